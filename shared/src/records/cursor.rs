//! Where a list goes on: sealed to the tenant, the kind, what is listed of it, and an hour, so that it can be neither read, nor forged, nor
//! carried elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::keyring::Keyring;
use super::kind::Kind;
use super::retention;
use crate::envelope::{OpenFault, Place};
use crate::platform::signal::Signal;
use crate::problem::{Problem, Refusal};

#[derive(Serialize, Deserialize)]
struct Cursor {
    after: String,
    until: i64,
}

fn place<K: Kind>(beginning: &str) -> Place<'_> {
    Place { service: K::ROW.service.name(), resource: "cursor", pk: K::ROW.name.as_bytes(), sk: beginning.as_bytes(), attribute: "cursor" }
}

/// A cursor that goes on behind the item with this id, in the list of those that begin so.
pub(super) fn seal<K: Kind>(keyring: &Keyring, beginning: &str, after: String) -> Result<String, Problem> {
    let life = i64::try_from(retention::CURSOR.as_secs()).unwrap_or(i64::MAX);
    let cursor = Cursor { after, until: keyring.platform().now().saturating_add(life) };
    let json = serde_json::to_vec(&cursor).map_err(|_| Problem::new(Refusal::Internal, "cannot write a cursor"))?;
    Ok(URL_SAFE_NO_PAD.encode(keyring.seal(&place::<K>(beginning), &json)?))
}

/// The id that a cursor of this tenant, kind and list goes on behind.
///
/// # Errors
/// 400 for anything else, and for a cursor older than an hour; 503 if DynamoDB or KMS is away.
pub(super) async fn open<K: Kind>(keyring: &Keyring, beginning: &str, cursor: &str) -> Result<String, Problem> {
    let malformed = || Problem::malformed("cursor", "is not one of this list, or is older than an hour");
    let cell = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| malformed())?;
    // What is sealed, and not for this tenant and list, was carried here from elsewhere: who reads on in a list never does that.
    let json = keyring.open_brought(&place::<K>(beginning), &cell).await?.map_err(|fault| match fault {
        OpenFault::Auth => malformed().raising(Signal::CrossTenant),
        OpenFault::Format | OpenFault::KeyVersion(_) => malformed(),
    })?;
    let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| malformed())?;
    if cursor.until <= keyring.platform().now() {
        return Err(malformed());
    }
    Ok(cursor.after)
}
