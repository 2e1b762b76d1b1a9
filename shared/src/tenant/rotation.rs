//! A new data key for a tenant: what is sealed from now on is sealed under it, what was sealed before still opens.
//!
//! The index key is carried over unchanged, because item keys are made of its digests.

use zeroize::Zeroizing;

use super::{Tenant, lookup};
use crate::envelope::{Usage, WrappedVersion};
use crate::platform::aws;
use crate::platform::signal::Signal;
use crate::platform::wrapping_key::Wrapped;
use crate::problem::{Problem, Refusal};
use crate::records::item::{n, s};
use crate::records::keyring;
use crate::records::transaction::of_tenant;

/// The data key is the first half of what is wrapped, the index key the second.
const DATA_KEY: usize = 32;

/// Gives the tenant a new current version of its data key. Readers elsewhere see it within a minute.
///
/// # Errors
/// 503 if AWS is away or the key item is missing; 412 if another rotation was faster, and then nothing was changed.
pub async fn rotate(tenant: &Tenant) -> Result<u32, Problem> {
    let platform = tenant.platform();
    let digest = tenant.digest();
    let found = keyring::read(platform, digest).await?.filter(|found| found.readable(tenant.id(), platform.now()).is_ok());
    let key_item = found.ok_or_else(lookup::incident)?;
    let lost = |what| Problem::unavailable(what).raising(Signal::KeysMissing);
    let current = key_item.versions.get(&key_item.current).ok_or_else(|| lost("incident: no current version"))?;
    let mut bytes = platform.wrapping_key().unwrap(&current.key_arn, tenant.id(), key_item.current, &current.wrapped).await?;
    let data_key = bytes.get_mut(..DATA_KEY).ok_or_else(|| lost("incident: wrapped keys are too short"))?;
    platform.random().fill(data_key)?;
    let next = key_item.current.saturating_add(1);
    let Wrapped { bytes: wrapped, key_arn } = platform.wrapping_key().wrap(tenant.id(), next, &Zeroizing::new(bytes.to_vec())).await?;
    let version = WrappedVersion { wrapped, created_at: platform.now(), key_arn, usage: Usage::SealAndOpen };
    let (next_name, current_name) = (next.to_string(), key_item.current.to_string());
    let (_, tenant_id) = of_tenant(tenant.id());
    let call = platform.dynamodb().update_item().table_name(&platform.config().tables.tenant_keys).key("digest", s(digest));
    let call = call
        .update_expression("SET versions.#next = :version, versions.#current.#use = :open_only, #current_version = :next, rev = rev + :one")
        .condition_expression("rev = :rev AND tenant_id = :tenant_id")
        .expression_attribute_names("#next", next_name)
        .expression_attribute_names("#current", current_name)
        .expression_attribute_names("#use", "use")
        .expression_attribute_names("#current_version", "current")
        .expression_attribute_values(":version", keyring::version_to_item(&version))
        .expression_attribute_values(":open_only", s(keyring::usage_name(Usage::OpenOnly)))
        .expression_attribute_values(":next", n(next))
        .expression_attribute_values(":one", n(1))
        .expression_attribute_values(":rev", n(key_item.rev))
        .expression_attribute_values(":tenant_id", tenant_id);
    match call.send().await {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => {
            // Ours, if the answer was lost: then the version that lies there is the one that we wrapped.
            let lying = keyring::read(platform, digest).await?.and_then(|found| found.versions.get(&next).cloned());
            if lying.is_none_or(|lying| lying.wrapped != version.wrapped) {
                return Err(Problem::new(Refusal::RevisionConflict, "another rotation was faster"));
            }
        }
        Err(error) => return Err(aws::problem("dynamodb UpdateItem tenant-keys", &error)),
    }
    platform.key_cache().forget(digest);
    Ok(next)
}
