//! The sites by their names, as the small Jira's own pages and doings know them, and how their state is kept.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use shared::connect::catalogue::App;
use shared::platform::clock::Clock;
use shared::platform::random::Random;

use super::resident::{Resident, Story};
use super::{Inner, Jira, State, Trouble, kept};
use crate::atlassian::Site;

/// Names that would be taken for addresses of the small Jira itself.
const TAKEN: [&str; 2] = ["play", "install-keys"];

/// How many sites one Jira has at most: a page lists them all.
const MOST: usize = 100;

/// A site as the small Jira's own pages show it.
#[derive(Clone, Debug)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// The site.
    pub site: Site,
    /// What has happened with the app.
    pub story: Story,
    /// Whether its licence of the app is active.
    pub licence_active: bool,
    /// What is wrong with it.
    pub trouble: Option<Trouble>,
}

/// Why a site cannot be added or changed.
#[derive(Debug, thiserror::Error)]
pub enum SiteFault {
    /// There is one of this name already, or was before it was renamed, or the small Jira needs the name itself.
    #[error("cannot add the site: its name is taken")]
    NameTaken,
    /// The name cannot be part of an address.
    #[error("cannot add the site: a name has 1 to 30 lower case letters, digits and hyphens, and begins with a letter")]
    NameRefused,
    /// There are enough.
    #[error("cannot add the site: there are {MOST} already")]
    TooMany,
    /// There is no randomness for its secret.
    #[error("cannot make a secret")]
    NoSecret,
    /// There is no site of this name.
    #[error("cannot find the site: none has this name")]
    Unknown,
    /// The file cannot be written.
    #[error("cannot keep the sites: {0}")]
    NotKept(#[from] io::Error),
}

impl Jira {
    /// The Jira that keeps its sites in `file`, or in memory. `origin` is its own, which sites lie below; `public` is that of the app.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn kept_in(file: Option<PathBuf>, clock: Arc<dyn Clock>, origin: &str, public: &str) -> io::Result<Self> {
        let residents = file.as_ref().map_or_else(|| Ok(Vec::new()), |file| kept::read(file, origin, public))?;
        let residents = residents.into_iter().map(|resident| (resident.site.client_key.clone(), resident)).collect();
        let state = Mutex::new(State { residents, ..State::default() });
        Ok(Self(Arc::new(Inner { clock, file, state })))
    }

    /// A new site below `origin`, with a client key and a secret of its own.
    ///
    /// # Errors
    /// [`SiteFault`].
    pub fn add(&self, name: &str, app: &'static App, origin: &str, public: &str, random: &dyn Random) -> Result<(), SiteFault> {
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !plain || !(1..=30).contains(&name.len()) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err(SiteFault::NameRefused);
        }
        let base_url = format!("{origin}/{name}");
        let site = Site {
            app,
            app_base_url: format!("{public}/{}", app.slug),
            client_key: format!("{name}-{}", secret::<8>(random)?),
            shared_secret: secret::<32>(random)?,
            base_url: base_url.clone(),
        };
        let mut state = self.state();
        let residents = &state.residents;
        if TAKEN.contains(&name) || residents.values().any(|other| other.name == name || other.site.base_url == base_url) {
            return Err(SiteFault::NameTaken);
        }
        if residents.len() >= MOST {
            return Err(SiteFault::TooMany);
        }
        state.residents.insert(site.client_key.clone(), Resident::new(site, name.to_owned()));
        Ok(self.save(&state)?)
    }

    /// All sites, by name.
    #[must_use]
    pub fn sites(&self) -> Vec<Named> {
        let by_name: BTreeMap<String, Named> = self.state().residents.values().map(|one| (one.name.clone(), Named::of(one))).collect();
        by_name.into_values().collect()
    }

    /// The site of this name.
    ///
    /// # Errors
    /// [`SiteFault::Unknown`].
    pub fn site(&self, name: &str) -> Result<Named, SiteFault> {
        self.state().residents.values().find(|resident| resident.name == name).map(Named::of).ok_or(SiteFault::Unknown)
    }

    /// Takes over what has happened with a site: its address, secret and story.
    pub(super) fn settle(&self, site: &Site, story: Story) -> Result<(), SiteFault> {
        let mut state = self.state();
        let resident = state.residents.get_mut(&site.client_key).ok_or(SiteFault::Unknown)?;
        resident.site = site.clone();
        resident.story = story;
        Ok(self.save(&state)?)
    }

    pub(super) fn save(&self, state: &State) -> io::Result<()> {
        self.0.file.as_ref().map_or(Ok(()), |file| kept::write(file, state.residents.values()))
    }
}

impl Named {
    fn of(resident: &Resident) -> Self {
        Self {
            name: resident.name.clone(),
            site: resident.site.clone(),
            story: resident.story.clone(),
            licence_active: resident.licence_active,
            trouble: resident.trouble,
        }
    }
}

/// Random bytes, in hex.
pub(super) fn secret<const BYTES: usize>(random: &dyn Random) -> Result<String, SiteFault> {
    let mut bytes = [0; BYTES];
    random.fill(&mut bytes).map_err(|_| SiteFault::NoSecret)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use shared::connect::catalogue::Catalogue;
    use shared::platform::clock::ManualClock;
    use shared::platform::random::SystemRandom;

    use super::super::resident::Standing;
    use super::*;

    fn jira(file: Option<PathBuf>, origin: &str) -> Jira {
        Jira::kept_in(file, Arc::new(ManualClock::at(0)), origin, "http://app").unwrap()
    }

    fn add(jira: &Jira, name: &str) -> Result<(), SiteFault> {
        jira.add(name, Catalogue::hosted().iter().next().unwrap(), "http://jira", "http://app", &SystemRandom)
    }

    #[test]
    fn sites_are_found_again_with_their_secrets_below_the_address_of_today() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jira.json");
        let before = jira(Some(file.clone()), "http://jira");
        add(&before, "acme").unwrap();
        let acme = before.site("acme").unwrap();
        let story = Story { standing: Standing::Active, installed: 1, last_iat: 7, ..Story::default() };
        before.settle(&Site { base_url: "http://jira/acme-renamed-1".to_owned(), ..acme.site.clone() }, story.clone()).unwrap();

        let after = jira(Some(file.clone()), "http://elsewhere").site("acme").unwrap();
        assert_eq!(after.site.shared_secret, acme.site.shared_secret);
        assert_eq!((after.site.client_key, after.story), (acme.site.client_key, story));
        assert_eq!(after.site.base_url, "http://elsewhere/acme-renamed-1");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn every_site_has_a_secret_of_its_own() {
        let jira = jira(None, "http://jira");
        add(&jira, "acme").unwrap();
        add(&jira, "globex").unwrap();
        let secrets: Vec<String> = jira.sites().into_iter().map(|named| named.site.shared_secret).collect();
        assert!(secrets[0] != secrets[1] && secrets[0].len() == 64);
    }

    #[test]
    fn a_name_that_would_shadow_an_address_is_refused() {
        let jira = jira(None, "http://jira");
        add(&jira, "acme").unwrap();
        for name in ["acme", "play", "install-keys"] {
            assert!(matches!(add(&jira, name), Err(SiteFault::NameTaken)), "{name}");
        }
        for name in ["", "Acme", "a/b", "1st", "..", &"a".repeat(31)] {
            assert!(matches!(add(&jira, name), Err(SiteFault::NameRefused)), "{name}");
        }
    }
}
