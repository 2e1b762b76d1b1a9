//! What a vendor would use instead of Lethe: atlassian-connect-express (ACE) in Node. The app lies in the folder `ace`, as a server and on
//! Lambda; npm installs its packages, of exactly the versions that are locked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the app consists of, beside `node_modules`.
const FILES: [&str; 8] =
    ["package.json", "package-lock.json", "atlassian-connect.json", "config.json", "app.js", "server.js", "lambda.mjs", "verification.js"];

/// The oldest Node that is any measure.
const OLDEST: u32 = 20;

/// The app with its packages, and the Node to run it.
pub struct Ace {
    /// The program.
    pub node: PathBuf,
    /// Where the app lies.
    pub folder: PathBuf,
}

impl Ace {
    /// Installs it below `target`, the bench's `CARGO_TARGET_TMPDIR`. Only the first run asks npm for packages, and the first after the lock has
    /// changed.
    ///
    /// # Errors
    /// For a person: there is no Node, no npm, or npm could not install.
    pub fn install(target: &Path) -> Result<Self, String> {
        let node = node()?;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("ace");
        let folder = target.join("ace");
        let lock = |folder: &Path| fs::read(folder.join("package-lock.json")).ok();
        let installed = folder.join("node_modules/.package-lock.json").exists() && lock(&source) == lock(&folder);
        if !installed {
            // Before the new lock lies there: else a failure would look like what the next run needs.
            fs::remove_dir_all(&folder).ok();
        }
        fs::create_dir_all(&folder).map_err(|cause| format!("cannot make {}: {cause}", folder.display()))?;
        for name in FILES {
            fs::copy(source.join(name), folder.join(name)).map_err(|cause| format!("cannot copy {name}: {cause}"))?;
        }
        if !installed {
            ci(&folder)?;
        }
        Ok(Self { node, folder })
    }

    /// What it is told in production, beside where AWS is.
    #[must_use]
    pub fn environment(&self, base_url: &str) -> [(&'static str, String); 3] {
        [("NODE_ENV", "production".to_owned()), ("NODE_NO_WARNINGS", "1".to_owned()), ("AC_LOCAL_BASE_URL", base_url.to_owned())]
    }

    /// Where this file of the app lies.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Node's own path, because what is started with an empty environment is not looked for.
fn node() -> Result<PathBuf, String> {
    let said = Command::new("node").args(["-p", "process.execPath + '\\n' + process.versions.node"]).output();
    let said = said.map_err(|cause| format!("cannot run node: {cause}"))?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let Some((path, version)) = text.trim().split_once('\n').filter(|_| said.status.success()) else {
        return Err(format!("node does not run: {}", said.status));
    };
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        return Err(format!("Node is {version}, and must be {OLDEST} at least"));
    }
    println!("ACE runs on Node {version}");
    Ok(path.into())
}

fn ci(folder: &Path) -> Result<(), String> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    let ended = npm.current_dir(folder).status().map_err(|cause| format!("cannot run npm: {cause}"))?;
    if ended.success() { Ok(()) } else { Err(format!("npm ci failed: {ended}")) }
}
