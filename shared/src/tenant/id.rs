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

/// A tenant id that was never used before: a random UUID (version 4).
///
/// # Errors
/// If there is no randomness.
pub(crate) fn new_tenant_id(random: &dyn Random) -> Result<String, Unavailable> {
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
