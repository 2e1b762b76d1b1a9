//! What is no longer selected goes, within minutes of the change (promise E-10): a message goes through all copies of the tenant, a page at a
//! time, and sends itself on.

use super::copies::IssueCopies;
use super::keeping::take_away;
use super::letter::{self, Letter, Postmark, Reselect};
use super::selection::Selection;
use crate::problem::{Problem, Refusal};
use crate::tenant::{Tenant, id::random_uuid};

/// How many copies one message looks at.
const PAGE: i32 = 50;

/// Asks for the copies of the tenant to be held against what is selected now. It is asked behind the writing of the selection.
///
/// # Errors
/// 503 if SQS is away.
pub async fn ask(tenant: &Tenant) -> Result<(), Problem> {
    let walk = random_uuid(tenant.platform().random())?;
    send(tenant, Reselect { walk, page: 0, cursor: None }).await
}

/// A page that is sent on twice, because the first answer was lost, is one message: a walk does not become two.
async fn send(tenant: &Tenant, reselect: Reselect) -> Result<(), Problem> {
    let keyring = tenant.keyring();
    let deduplication = keyring.digest_of("reselect", &format!("{} {}", reselect.walk, reselect.page));
    let postmark = Postmark { group: keyring.digest_of("selection", ""), deduplication };
    letter::send(keyring, &Letter::Reselect(reselect), postmark).await
}

/// Looks at one page of copies, and asks for the next.
pub(super) async fn go_on(tenant: &Tenant, selection: &Selection, Reselect { walk, page, cursor }: Reselect) -> Result<(), Problem> {
    let copies = tenant.records::<IssueCopies>();
    let found = match copies.list(cursor.as_deref(), PAGE).await {
        // The message lay there for longer than its cursor is good.
        Err(old) if cursor.is_some() && old.refusal() == Refusal::Malformed => copies.list(None, PAGE).await?,
        found => found?,
    };
    for record in found.records {
        if record.value.clone().selected(selection) != record.value {
            take_away(tenant, selection, &record.name).await?;
        }
    }
    match found.cursor {
        Some(cursor) => send(tenant, Reselect { walk, page: page + 1, cursor: Some(cursor) }).await,
        None => Ok(()),
    }
}
