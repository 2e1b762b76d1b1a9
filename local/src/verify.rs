//! `verify`: a deletion certificate checked from two files, with no network and no AWS, and told in plain words.

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use shared::purge::certificate::{Deleted, Hold, Method, Salt, SubjectClaim, Verified, VerifyFault, verify_by};

/// The keys' file, beside the certificate, if none is named.
const KEYS: &str = "certificate-keys.json";

/// What is to be verified, and with what.
#[derive(Args, Clone, Debug)]
pub struct Verification {
    /// The certificate, as it was handed out.
    certificate: PathBuf,
    /// The public keys, as GET /certificates/keys answers them; certificate-keys.json beside the certificate if not given.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// The name of the key that must have signed, as the vendor told it by another way than the certificate.
    #[arg(long)]
    kid: Option<String>,
    /// Whose it is said to be: the app's slug.
    #[arg(long, requires_all = ["client_key", "salt"])]
    app: Option<String>,
    /// Whose it is said to be: Atlassian's client key of the site.
    #[arg(long, requires_all = ["app", "salt"])]
    client_key: Option<String>,
    /// The salt that was handed out apart from the certificate: 32 hexadecimal digits.
    #[arg(long, requires_all = ["app", "client_key"])]
    salt: Option<String>,
}

/// Why there is no verdict, or a bad one.
#[derive(Debug, thiserror::Error)]
pub enum VerificationFault {
    /// The certificate is refused.
    #[error("NOT VERIFIED: {0}")]
    Refused(VerifyFault),
    /// The keys are not such, so nothing can be said of the certificate.
    #[error("{path}: {fault}", path = path.display())]
    Keys {
        /// The file with the keys.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: VerifyFault,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        #[source]
        cause: io::Error,
    },
    /// The salt is not one.
    #[error("--salt must be 32 hexadecimal digits")]
    Salt,
}

impl VerificationFault {
    /// 1 for a certificate that is refused, 2 where nothing could be verified at all.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        if matches!(self, Self::Refused(_)) { 1 } else { 2 }
    }
}

impl Verification {
    /// What the certificate says, in plain words, if it is good.
    ///
    /// # Errors
    /// [`VerificationFault`].
    pub fn run(&self) -> Result<String, VerificationFault> {
        let claim = self.claim()?;
        let keys_path = self.keys.clone().unwrap_or_else(|| self.certificate.with_file_name(KEYS));
        let (file, keys) = (read(&self.certificate)?, read(&keys_path)?);
        let verified = verify_by(&file, &keys, self.kid.as_deref(), claim.as_ref()).map_err(|fault| match fault {
            VerifyFault::Keys(_) => VerificationFault::Keys { path: keys_path.clone(), fault },
            fault => VerificationFault::Refused(fault),
        })?;
        Ok(told(&verified, &self.trust(&verified.kid, &keys_path), claim.as_ref()))
    }

    /// Who signed, and what that is worth: whoever hands out a certificate can hand out keys beside it that make it good.
    fn trust(&self, kid: &str, keys: &Path) -> String {
        let (demanded, root) = if self.kid.is_some() { (" and demanded with --kid", "name") } else { ("", "file") };
        let path = keys.display();
        format!(
            "Signed by {kid}, as listed in {path}{demanded}.\n\
             This is worth what that {root} is worth. It must come from the vendor's own address, by another way than the certificate.\n"
        )
    }

    /// Whose it is said to be; clap sees to it that all three are given or none.
    fn claim(&self) -> Result<Option<SubjectClaim>, VerificationFault> {
        let (Some(app), Some(client_key), Some(salt)) = (&self.app, &self.client_key, &self.salt) else { return Ok(None) };
        let salt = Salt::from_hex(salt).ok_or(VerificationFault::Salt)?;
        Ok(Some(SubjectClaim { app: app.clone(), client_key: client_key.clone(), salt }))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, VerificationFault> {
    fs::read(path).map_err(|cause| VerificationFault::Unreadable { path: path.to_owned(), cause })
}

fn told(Verified { certificate, .. }: &Verified, trust: &str, claim: Option<&SubjectClaim>) -> String {
    let mut said = format!("VERIFIED: the signature is good by these keys, and not a byte was changed.\n{trust}\n");
    let mut line = |name: &str, value: String| said.push_str(&format!("{name:<16}{value}\n"));
    let (issuer, policy, [first, second]) = (&certificate.issuer, &certificate.policy, certificate.verified_at);
    line("Certified by", format!("{} in {}, for the app {}, on {}", issuer.service, issuer.region, issuer.app, certificate.issued_at));
    line("Tenant", format!("{}, life {}", certificate.tenant_id, certificate.epoch));
    line("Subject", certificate.subject.clone());
    match claim {
        Some(claim) => line("", format!("which is the installation {} of {}", claim.client_key, claim.app)),
        None => line("", "whose that is can be shown with --app, --client-key and --salt".to_owned()),
    }
    line(
        "Promised",
        format!(
            "policy {}: back within {} days, gone within {}, or within {} of asking to delete",
            policy.version, policy.grace_days, policy.deadline_days, policy.early_deadline_days
        ),
    );
    line("Left", format!("{} ({})", certificate.left_at, certificate.cause));
    line("Grace ended", certificate.grace_ended_at.to_string());
    if let Some(requested) = certificate.early_requested_at {
        line("Asked to delete", requested.to_string());
    }
    line("Keys destroyed", certificate.shredded_at.to_string());
    line("Found empty", format!("{first} and again {second}"));
    for deleted in &certificate.deleted {
        line("Deleted", told_of(deleted));
    }
    for hold in &certificate.holds {
        line("Held", held(hold));
    }
    line("Backups", format!("unreadable by {}, gone by {}", certificate.backups.unreadable_by, certificate.backups.gone_by));
    if certificate.promise_suspended {
        line("Suspended", "a hold stood so long that the deadline could not be met, and the promise waited for it".to_owned());
    }
    if certificate.deadline_missed {
        line("Late", "the deadline was missed".to_owned());
    }
    said
}

fn told_of(Deleted { what, method, count }: &Deleted) -> String {
    let how = match method {
        Method::KeysShredded => "keys shredded",
        Method::Deleted => "deleted",
        Method::AllVersionsDeleted => "all versions deleted",
        Method::Aborted => "aborted",
    };
    format!("{count} {what}: {how}")
}

fn held(hold: &Hold) -> String {
    let lifted = hold.lifted_at.map_or_else(|| "never lifted".to_owned(), |at| format!("lifted {at}"));
    format!("{}: from {} until {} at the latest, {lifted}", hold.reason, hold.placed_at, hold.until)
}
