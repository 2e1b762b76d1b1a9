//! From the queue to the record: events are taken in and noted as seen in one transaction, so that each counts once whatever fails.
//!
//! What is selected is read with the tenant, and once more behind the writing: whoever takes a project out of the selection meanwhile has all its
//! copies deleted by [`reselecting`](super::reselecting), but for one that was written a moment later, and that one we find ourselves.

use std::collections::HashMap;

use super::copies::{IssueCopies, What};
use super::letter::{Envelope, Event, Letter};
use super::reselecting;
use super::seen::SeenEvent;
use super::selection::{ChosenByTenant, Selection};
use crate::platform::Platform;
use crate::problem::{Problem, Refusal};
use crate::records::item::{n, s};
use crate::records::transaction::{self, Outcome, Transaction};
use crate::records::{Precondition, Record, Records};
use crate::tenant::{Tenant, app_user, id, recall};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The copies are as the event says.
    Kept,
    /// There is nothing to keep: no copies, not selected, or long past.
    Nothing,
    /// It had counted before.
    SeenBefore,
    /// The app caused it itself.
    OurOwn,
    /// Its tenant has left, or is another by now.
    Unclaimed,
    /// Copies that are no longer selected are gone.
    Reselected,
    /// It can never be kept, for this reason.
    Dead(&'static str),
}

/// Takes in messages of the queue, and says of each what became of it. Those about one issue are taken in together: however quickly an issue
/// changes, each batch is one read and one writing.
///
/// # Errors
/// Of each message: 503 if AWS is away, or a site that must be asked; it may come again then.
pub async fn keep(platform: &Platform, messages: &[String]) -> Vec<Result<Kept, Problem>> {
    let mut tenants = Tenants { platform, known: HashMap::new() };
    let mut ended: Vec<Option<Result<Kept, Problem>>> = messages.iter().map(|_| None).collect();
    let mut issues: Vec<Issue> = Vec::new();
    for (at, (message, ended)) in messages.iter().zip(&mut ended).enumerate() {
        match tenants.open(message).await {
            Ok(Opened::Ended(kept)) => *ended = Some(Ok(kept)),
            Err(problem) => *ended = Some(Err(problem)),
            Ok(Opened::Event(digest, event)) => match issues.iter_mut().find(|known| known.digest == digest && known.is_of(&event)) {
                Some(issue) => issue.events.push((at, event)),
                None => issues.push(Issue { digest, events: vec![(at, event)] }),
            },
        }
    }
    for Issue { digest, events } in issues {
        let (places, events): (Vec<usize>, Vec<Event>) = events.into_iter().unzip();
        let taken = match tenants.known.get(&digest).and_then(Option::as_ref) {
            Some((tenant, selection)) => take_in(tenant, selection, &events).await,
            None => Ok(vec![Kept::Unclaimed; events.len()]),
        };
        let mut taken = taken.map(Vec::into_iter);
        for place in places {
            let result = match &mut taken {
                Ok(kept) => kept.next().ok_or_else(passed_over),
                Err(problem) => Err(problem.again()),
            };
            if let Some(ended) = ended.get_mut(place) {
                *ended = Some(result);
            }
        }
    }
    ended.into_iter().map(|ended| ended.unwrap_or_else(|| Err(passed_over()))).collect()
}

/// Of which nothing was said: it comes again, rather than be lost.
fn passed_over() -> Problem {
    Problem::new(Refusal::Internal, "a message was passed over")
}

/// Whose message it is, by the tenant's digest: what helps to find the cause of one that is dead.
#[must_use]
pub fn claimed_by(message: &str) -> Option<String> {
    Envelope::read(message).map(|envelope| envelope.digest).filter(|digest| id::is_digest(digest))
}

/// The events of one issue in a batch, each with its place there.
struct Issue {
    digest: String,
    events: Vec<(usize, Event)>,
}

impl Issue {
    fn is_of(&self, event: &Event) -> bool {
        self.events.first().is_some_and(|(_, first)| first.issue == event.issue)
    }
}

/// What a message came to by being opened.
enum Opened {
    /// All that there is to do is done.
    Ended(Kept),
    /// An event of the tenant with this digest.
    Event(String, Event),
}

/// The tenants of a batch with what they have selected; `None` for those who are not active.
struct Tenants<'p> {
    platform: &'p Platform,
    known: HashMap<String, Option<(Tenant, Selection)>>,
}

impl Tenants<'_> {
    async fn open(&mut self, message: &str) -> Result<Opened, Problem> {
        let Some(envelope) = Envelope::read(message).filter(|envelope| id::is_digest(&envelope.digest)) else {
            return Ok(Opened::Ended(Kept::Dead("not a message of ours")));
        };
        if !self.known.contains_key(&envelope.digest) {
            let found = recall::active_with(self.platform, &envelope.digest).await?;
            let found = found.map(|(tenant, ChosenByTenant(selection))| (tenant, selection));
            self.known.insert(envelope.digest.clone(), found);
        }
        let known = self.known.get(&envelope.digest).and_then(Option::as_ref);
        let Some((tenant, selection)) = known.filter(|(tenant, _)| tenant.id() == envelope.tenant_id) else {
            return Ok(Opened::Ended(Kept::Unclaimed));
        };
        Ok(match envelope.open(tenant.keyring()).await? {
            None => Opened::Ended(Kept::Dead("does not open")),
            Some(Letter::Event(event)) => Opened::Event(envelope.digest, *event),
            Some(Letter::Reselect(reselect)) => {
                reselecting::go_on(tenant, selection, reselect).await?;
                Opened::Ended(Kept::Reselected)
            }
        })
    }
}

/// Takes in events of one issue, and says of each what became of it.
async fn take_in(tenant: &Tenant, selection: &Selection, events: &[Event]) -> Result<Vec<Kept>, Problem> {
    let Some(issue) = events.first().map(|event| event.issue.as_str()) else { return Ok(Vec::new()) };
    let copies = tenant.records::<IssueCopies>();
    let mut ended = repeated(events);
    for attempt in 0..transaction::ATTEMPTS {
        let before = copies.get(issue).await?;
        let (mut after, mut counted) = (before.as_ref().map(|record| record.value.clone()), Vec::new());
        for (at, event) in events.iter().enumerate() {
            if ended.get(at) != Some(&None) {
                continue;
            }
            let Some(what) = meant(after.as_ref(), selection, event) else { continue };
            if *what != What::Deleted && is_our_own(tenant, event).await? {
                set(&mut ended, at, Kept::OurOwn);
                continue;
            }
            after.get_or_insert_default().apply(&event.order, what);
            counted.push((at, event));
        }
        let after = after.map(|after| after.selected(selection)).filter(|after| after.gone_at() > tenant.platform().now());
        let (Some(after), Some(_)) = (after, counted.first()) else { break };
        if write(tenant, issue, &counted, before.as_ref(), &after).await? == Outcome::Done {
            settle(tenant, selection, issue).await?;
            counted.iter().for_each(|(at, _)| set(&mut ended, *at, Kept::Kept));
            break;
        }
        // Some were seen before, or by a writing of our own whose answer was lost; or somebody else wrote a moment ago.
        for (at, event) in counted {
            if let Some(seen) = tenant.records::<SeenEvent>().get(&event.identifier).await? {
                set(&mut ended, at, if seen.value.body == event.body { Kept::SeenBefore } else { ANOTHER });
            }
        }
        if attempt + 1 == transaction::ATTEMPTS {
            return Err(Problem::unavailable("too many events of one issue at once"));
        }
        transaction::pause(tenant.platform(), attempt).await;
    }
    if ended.contains(&Some(Kept::SeenBefore)) {
        // Whoever wrote it may not have come to look once more.
        take_away(tenant, selection, issue).await?;
    }
    Ok(ended.into_iter().map(|ended| ended.unwrap_or(Kept::Nothing)).collect())
}

/// What is said of an event whose name another one had.
const ANOTHER: Kept = Kept::Dead("another event has the same identifier");

/// Of each event whether it repeats one before it in the batch.
fn repeated(events: &[Event]) -> Vec<Option<Kept>> {
    let is_repetition = |(at, event): (usize, &Event)| {
        let first = events.iter().take(at).find(|before| before.identifier == event.identifier)?;
        Some(if first.body == event.body { Kept::SeenBefore } else { ANOTHER })
    };
    events.iter().enumerate().map(is_repetition).collect()
}

fn set(ended: &mut [Option<Kept>], at: usize, kept: Kept) {
    if let Some(ended) = ended.get_mut(at) {
        *ended = Some(kept);
    }
}

/// What an event means for copies; `None` if it changes nothing.
fn meant<'e>(before: Option<&IssueCopies>, selection: &Selection, event: &'e Event) -> Option<&'e What> {
    match (&event.what, before) {
        (What::Touched, before) => before.is_some_and(|before| before.is_prolonged_by(&event.order)).then_some(&What::Touched),
        // It was selected when it came.
        (What::Version(version), before) if !selection.has_project(version.project) => before.map(|_| &What::Unselected),
        (what, before) => (before.is_some() || !event.only_if_kept).then_some(what),
    }
}

/// Whether the app's own user did it.
async fn is_our_own(tenant: &Tenant, event: &Event) -> Result<bool, Problem> {
    match &event.app {
        None => Ok(false),
        Some(app) => Ok(app_user::account_id(tenant).await?.is_some_and(|own| own.as_str() == app)),
    }
}

/// Writes copies and notes the events, if the copies are as they were read and no event was seen.
async fn write(
    tenant: &Tenant,
    issue: &str,
    events: &[(usize, &Event)],
    before: Option<&Record<IssueCopies>>,
    after: &IssueCopies,
) -> Result<Outcome, Problem> {
    let (copies, seen) = (tenant.records::<IssueCopies>(), tenant.records::<SeenEvent>());
    let (now, mut move_id) = (tenant.platform().now(), "");
    let mut transaction = put(Transaction::new(), &copies, issue, before, after, now)?;
    for (_, event) in events {
        let note = seen.new_item(&event.identifier, &SeenEvent { body: event.body.clone() })?;
        transaction = transaction.put(seen.table(), note, FREE, &[(":now", n(now))]);
        move_id = &event.identifier;
    }
    transaction.commit(tenant.platform(), move_id).await
}

/// There is no record, or one that has ended.
const FREE: &str = "attribute_not_exists(id) OR expires_at <= :now";

fn put(
    transaction: Transaction,
    copies: &Records<IssueCopies>,
    issue: &str,
    before: Option<&Record<IssueCopies>>,
    after: &IssueCopies,
    now: i64,
) -> Result<Transaction, Problem> {
    let item = copies.item_over(issue, after, before.map(|record| &record.revision), after.gone_at())?;
    Ok(match before {
        None => transaction.put(copies.table(), item, FREE, &[(":now", n(now))]),
        Some(record) => transaction.put(copies.table(), item, "writing = :known", &[(":known", s(&record.revision.writing))]),
    })
}

/// Looks once more at what is selected, and takes away what is not, if it is not as it was.
async fn settle(tenant: &Tenant, known: &Selection, issue: &str) -> Result<(), Problem> {
    let ChosenByTenant(selection) = ChosenByTenant::now(tenant).await?;
    if selection == *known { Ok(()) } else { take_away(tenant, &selection, issue).await }
}

/// Deletes of an issue's copies what is not selected.
pub(super) async fn take_away(tenant: &Tenant, selection: &Selection, issue: &str) -> Result<(), Problem> {
    let copies = tenant.records::<IssueCopies>();
    for attempt in 0..transaction::ATTEMPTS {
        let Some(before) = copies.get(issue).await? else { return Ok(()) };
        let after = before.value.clone().selected(selection);
        if after == before.value {
            return Ok(());
        }
        if after.latest().is_none() {
            match copies.delete(issue, &Precondition::At(before.revision.clone())).await {
                Err(conflict) if conflict.refusal() == Refusal::RevisionConflict => {}
                deleted => return deleted,
            }
        } else {
            let written = put(Transaction::new(), &copies, issue, Some(&before), &after, tenant.platform().now())?;
            if written.commit(tenant.platform(), &before.revision.writing).await? == Outcome::Done {
                return Ok(());
            }
        }
        transaction::pause(tenant.platform(), attempt).await;
    }
    Err(Problem::unavailable("too many events of one issue at once"))
}
