//! The file that the small Jira keeps its sites in, secrets included: a host that starts again signs with the secrets that the app knows.
//! Only its owner may read it. Addresses are kept as paths, because the host may come back on another port.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::connect::catalogue::Catalogue;

use super::issues::Issues;
use super::resident::{Resident, Story};
use crate::atlassian::Site;

#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    app: String,
    client_key: String,
    shared_secret: String,
    path: String,
    licence_active: bool,
    properties: BTreeMap<String, Value>,
    #[serde(default)]
    issues: Issues,
    story: Story,
}

/// Writes all sites, so that the file is either the old one or the new one.
pub(super) fn write<'r>(file: &Path, residents: impl Iterator<Item = &'r Resident>) -> io::Result<()> {
    let kept: Vec<Kept> = residents.map(Kept::of).collect();
    let new = file.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&new)?;
    written.write_all(&serde_json::to_vec_pretty(&kept).map_err(io::Error::other)?)?;
    fs::rename(new, file)
}

/// Reads them; none if there is no file. `jira` is the origin that sites lie below, `public` that of the app.
pub(super) fn read(file: &Path, jira: &str, public: &str) -> io::Result<Vec<Resident>> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let kept: Vec<Kept> = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
    kept.into_iter().map(|kept| kept.resident(jira, public)).collect()
}

impl Kept {
    fn of(resident: &Resident) -> Self {
        Self {
            name: resident.name.clone(),
            app: resident.site.app.slug.to_owned(),
            client_key: resident.site.client_key.clone(),
            shared_secret: resident.site.shared_secret.clone(),
            path: super::base_path(&resident.site.base_url).to_owned(),
            licence_active: resident.licence_active,
            properties: resident.properties.clone(),
            issues: resident.issues.clone(),
            story: resident.story.clone(),
        }
    }

    fn resident(self, jira: &str, public: &str) -> io::Result<Resident> {
        let unknown = || io::Error::other(format!("the site {} has an app that is not in the catalogue: {}", self.name, self.app));
        let app = Catalogue::hosted().find(&self.app).ok_or_else(unknown)?;
        let site = Site {
            app,
            app_base_url: format!("{public}/{}", app.slug),
            client_key: self.client_key,
            shared_secret: self.shared_secret,
            base_url: format!("{jira}{}", self.path),
        };
        let Self { name, licence_active, properties, issues, story, .. } = self;
        Ok(Resident { licence_active, properties, issues, story, ..Resident::new(site, name) })
    }
}
