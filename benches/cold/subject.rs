//! What is started, with which environment, and what it is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use benches::Ace;
use local::runtime_api::environment;
use serde_json::Value;

use crate::scene::Scene;

/// Under which address ACE believes to be reached: the audience of its tokens, and the path of its routes.
const ACE_BASE_URL: &str = "https://eu.lethe.example/test-management";

/// What it is called where it is compared with.
pub(crate) const HELLO: &str = "hello";
/// Likewise.
pub(crate) const NODE: &str = "ACE in Node";

/// Something that is started under the runtime's API.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    program: PathBuf,
    arguments: Vec<PathBuf>,
    environment: BTreeMap<String, String>,
    /// The sample event that it is asked, as function and case.
    sample: (&'static str, &'static str),
    /// What is uploaded: a binary, or a folder.
    pub(crate) weighs: PathBuf,
}

impl Subject {
    /// All of them: the binaries in this folder, and ACE if it is there.
    pub(crate) fn all(folder: &Path, ace: Option<&Ace>, scene: &Scene) -> Vec<Self> {
        let ours = |name, id: &str, sample| {
            let environment = environment(id).unwrap().into_iter().chain(scene.environment()).collect();
            let program = folder.join(name);
            Self { name, weighs: program.clone(), program, arguments: Vec::new(), environment, sample }
        };
        let mut all = vec![
            ours(HELLO, "Descriptor", ("descriptor", "descriptor")),
            ours("descriptor", "Descriptor", ("descriptor", "descriptor")),
            ours("configuration", "Configuration", ("configuration", "get")),
            ours("account", "Account", ("account", "account")),
        ];
        all.extend(ace.map(|ace| Self::ace(ace, scene)));
        all
    }

    fn ace(ace: &Ace, scene: &Scene) -> Self {
        let mut environment = environment("Account").unwrap();
        environment.extend(scene.environment());
        environment.extend(ace.environment(ACE_BASE_URL).map(|(name, value)| (name.to_owned(), value)));
        let arguments = vec![ace.file("lambda.mjs")];
        let sample = ("account", "account");
        Self { name: NODE, program: ace.node.clone(), arguments, environment, sample, weighs: ace.folder.clone() }
    }

    /// The command, before the runtime's API is named to it.
    pub(crate) fn command(&self) -> Command {
        self.below(&[])
    }

    /// The same below another program, such as one that traces it.
    pub(crate) fn below(&self, other: &[&str]) -> Command {
        let mut words = other.iter().map(PathBuf::from).chain([self.program.clone()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(&self.arguments).env_clear().envs(&self.environment);
        command
    }

    /// The event, with a token of this moment.
    pub(crate) fn event(&self, scene: &Scene) -> Value {
        scene.event(self.sample.0, self.sample.1)
    }
}
