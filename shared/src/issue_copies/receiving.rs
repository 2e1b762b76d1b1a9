//! From a webhook to the queue: what the tenant has selected of the event, freed of personal data and sealed. One message, whatever the size of
//! the payload: what could not be kept is left out before it is sent.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Extension;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::copies::What;
use super::letter::{self, Event, Letter, Postmark};
use super::selection::Selection;
use super::version::{Order, Version};
use crate::connect::WebhookEvent;
use crate::connect::webhook::{self, Actor, Told};
use crate::problem::{Problem, Reason};
use crate::tenant::Tenant;

/// What became of an event. All of it is answered 204, because nothing else counts as delivered; the log says which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is in the queue.
    Queued,
    /// The tenant has selected nothing that it shows.
    NotSelected,
    /// We caused it ourselves.
    OurOwn,
    /// It does not say of which issue it is.
    OfNoIssue,
}

impl IntoResponse for Received {
    fn into_response(self) -> Response {
        let word = match self {
            Self::Queued => "queued",
            Self::NotSelected => "not selected",
            Self::OurOwn => "our own",
            Self::OfNoIssue => "of no issue",
        };
        (StatusCode::NO_CONTENT, Extension(Reason(word.into()))).into_response()
    }
}

/// Takes in what Jira tells, as far as `selection` wants it.
///
/// # Errors
/// 400 that names the member of a payload which is none; 503 if AWS is away: Jira tries again then.
pub async fn receive(
    tenant: &Tenant,
    selection: &Selection,
    event: WebhookEvent,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Received, Problem> {
    let told = Told::read(body, event)?;
    let deleted = event == WebhookEvent::IssueDeleted;
    // What is gone is gone, whoever did it.
    if !deleted && webhook::only(headers, &webhook::TRACE) == Some(tenant.webhook_trace().as_bytes()) {
        return Ok(Received::OurOwn);
    }
    let Some(issue) = told.issue_id.clone() else { return Ok(Received::OfNoIssue) };
    let keyring = tenant.keyring();
    let body = hex::encode(digest(&SHA256, body));
    // Jira names every event; one that it did not name is known by what it says.
    let named = webhook::only(headers, &webhook::IDENTIFIER).map_or_else(|| body.clone(), hex::encode);
    let identifier = keyring.digest_of("webhook-identifier", &named);
    let order = Order::of(&told, &identifier, tenant.platform().clock().now().epoch_millis());
    let selected = selection.has_project(told.project);
    let elsewhere = told.project.is_some() && !selected;
    let what = match event {
        _ if deleted => What::Deleted,
        _ if !event.shows_issue() && !selection.is_empty() && !elsewhere => What::Touched,
        _ if !event.shows_issue() => return Ok(Received::NotSelected),
        _ if selected => What::Version(Box::new(Version::of(&told, event, order.clone(), selection)?)),
        _ if told.moved => What::Unselected,
        _ => return Ok(Received::NotSelected),
    };
    // Copies may be there from when the issue was selected, also where nothing is any more and their deletion is still on its way. Beyond those, of
    // an issue that is not selected nothing is written down, not even that it is gone.
    let only_if_kept = what == What::Touched || selection.is_empty() || (deleted && elsewhere);
    let app = told.actor.filter(Actor::is_app).map(|actor| actor.account_id);
    let postmark = Postmark {
        group: keyring.digest_of("issue", &issue),
        // Another body under the same name is not the same event: whoever keeps it must see both.
        deduplication: keyring.digest_of("webhook", &format!("{identifier}{body}")),
    };
    let letter = Letter::Event(Box::new(Event { identifier, body, issue, order, app, only_if_kept, what }));
    letter::send(keyring, &letter, postmark).await?;
    Ok(Received::Queued)
}
