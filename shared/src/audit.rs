//! The audit: who did what by hand, for which ticket and for which reason (promises E-30, E-36). An entry is written before its effect, and an
//! effect whose entry cannot be written does not happen: [`Noted`] is the proof that it was.
//!
//! It holds no customer data: reasons come from lists, people are principals of IAM, tickets are numbers, tenants are digests. Nobody can write
//! free text into it.
//!
//! How the deed ended stands in an item of its own that follows its entry. A deed that only looks has one too: `done` says that what was asked
//! for was handed out, a certificate and its salt with it. It is written if it can be, because by then nothing can be taken back: an entry without
//! it was begun, and its effect may or may not be there, which the tenant's own items say.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use crate::platform::clock::rfc3339_millis;
use crate::platform::principal::Principal;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Item, n, s};
use crate::records::retention;

/// What is done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Looks at where a tenant stands.
    Status,
    /// Looks at what a purge will delete.
    DryRun,
    /// Ends the grace of one who left.
    EarlyDeletion,
    /// Marks one who left without a word.
    Mark,
    /// Takes such a mark back.
    Unmark,
    /// Places a hold, or renews it.
    Hold,
    /// Lifts a hold.
    Lift,
    /// Looks at how functions were used on a day.
    UsageReport,
}

impl What {
    /// The service whose operators do this: the partition of the table.
    const fn service(self) -> &'static str {
        match self {
            Self::Status | Self::DryRun | Self::EarlyDeletion | Self::Mark | Self::Unmark | Self::Hold | Self::Lift => "erasure",
            Self::UsageReport => "usage",
        }
    }

    /// How it is written in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::DryRun => "dry-run",
            Self::EarlyDeletion => "early-deletion",
            Self::Mark => "mark",
            Self::Unmark => "unmark",
            Self::Hold => "hold",
            Self::Lift => "lift",
            Self::UsageReport => "usage-report",
        }
    }
}

/// What somebody is about to do.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Who.
    pub who: &'a Principal,
    /// What.
    pub what: What,
    /// The number of the ticket that asks for it.
    pub ticket: u64,
    /// Why: a name from a list.
    pub reason: Option<&'static str>,
    /// Whom it is about.
    pub digest: &'a str,
    /// The life that it is about, where there is one.
    pub tenant_id: Option<&'a str>,
}

/// An entry that is written: only now may happen what it says.
#[derive(Debug)]
#[must_use]
pub struct Noted {
    service: &'static str,
    at: String,
}

/// Writes an entry.
///
/// # Errors
/// 503 if there is no randomness or if DynamoDB is away: then what was to be done must not be done, though an entry may say that it was begun.
pub async fn note(platform: &Platform, entry: &Entry<'_>) -> Result<Noted, Problem> {
    let mut more = item::item([("ticket", n(entry.ticket)), ("digest", s(entry.digest))]);
    for (name, text) in [("reason", entry.reason), ("tenant_id", entry.tenant_id)] {
        if let Some(text) = text {
            more.insert(name.to_owned(), s(text));
        }
    }
    add(platform, entry.who, entry.what, more).await
}

/// Writes an entry of somebody who looks at what is about no tenant, and so needs no ticket. `about` is made of names that are ours.
///
/// # Errors
/// As [`note`].
pub async fn note_look(platform: &Platform, who: &Principal, what: What, about: &str) -> Result<Noted, Problem> {
    add(platform, who, what, item::item([("about", s(about))])).await
}

async fn add(platform: &Platform, who: &Principal, what: What, more: Item) -> Result<Noted, Problem> {
    let mut random = [0; 8];
    platform.random().fill(&mut random)?;
    let service = what.service();
    let at = format!("{}#{}", rfc3339_millis(platform.clock().now().epoch_millis()), hex::encode(random));
    let mut item = key(service, &at);
    item.extend(more);
    item.insert("who".to_owned(), s(who.arn()));
    item.insert("what".to_owned(), s(what.name()));
    write(platform, item).await?;
    Ok(Noted { service, at })
}

impl Noted {
    /// Writes how it ended, beside its entry, if that can be written; if not, the log says so.
    pub async fn ended<T>(self, platform: &Platform, ended: &Result<T, Problem>) {
        let outcome = match ended {
            Ok(_) => "done",
            // Something was away, so it may have happened or not.
            Err(problem) if problem.refusal().status().is_server_error() => "failed",
            Err(_) => "refused",
        };
        let mut item = key(self.service, &format!("{}#outcome", self.at));
        item.insert("outcome".to_owned(), s(outcome));
        item.insert("ended_at".to_owned(), s(rfc3339_millis(platform.clock().now().epoch_millis())));
        if let Err(problem) = write(platform, item).await {
            tracing::warn!(target: "lethe", entry = self.at, outcome, reason = %problem.reason().0, "an outcome is not in the audit");
        }
    }
}

fn key(service: &str, at: &str) -> Item {
    item::item([("service", s(service)), ("at", s(at))])
}

/// Entries are added, never changed.
async fn write(platform: &Platform, mut item: Item) -> Result<(), Problem> {
    let tombstone = i64::try_from(retention::TOMBSTONE.as_secs()).unwrap_or(i64::MAX);
    item.insert("expires_at".to_owned(), n(platform.now().saturating_add(tombstone)));
    let call = platform.dynamodb().put_item().table_name(&platform.config().tables.audit).set_item(Some(item.clone()));
    let call = call
        .condition_expression("attribute_not_exists(#service)")
        .expression_attribute_names("#service", "service")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let Err(error) = call.send().await else { return Ok(()) };
    match error.as_service_error() {
        // Ours, and the answer to it was lost.
        Some(PutItemError::ConditionalCheckFailedException(found)) if found.item() == Some(&item) => Ok(()),
        _ => Err(aws::problem("dynamodb PutItem audit", &error)),
    }
}
