//! The two names of a tenant. The digest stands for Atlassian's name of it in item keys; the tenant id is ours, and new in every life.

use aws_lc_rs::digest::{Context, SHA256};

use crate::platform::random::{Random, Unavailable};

/// SHA-256(app slug ‖ 0 ‖ client key) in hex: finds a tenant without holding its name.
#[must_use]
pub fn digest(app: &str, client_key: &str) -> String {
    let mut context = Context::new(&SHA256);
    context.update(app.as_bytes());
    context.update(&[0]);
    context.update(client_key.as_bytes());
    hex::encode(context.finish())
}

/// Whether the text has a digest's form.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A tenant id that was never used before.
///
/// # Errors
/// If there is no randomness.
pub(crate) fn new_tenant_id(random: &dyn Random) -> Result<String, Unavailable> {
    random_uuid(random)
}

/// A random UUID (version 4).
///
/// # Errors
/// If there is no randomness.
pub(crate) fn random_uuid(random: &dyn Random) -> Result<String, Unavailable> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_between_app_and_client_key_counts() {
        assert_ne!(digest("app", "key"), digest("appk", "ey"));
        assert_eq!(digest("app", "key").len(), 64);
    }
}
