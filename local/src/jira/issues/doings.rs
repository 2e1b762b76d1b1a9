//! What users do to issues, told to the app by webhooks where it is installed and active, at every address that its descriptor lists.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use shared::platform::outbound::{NoAnswer, Outbound};
use tokio::sync::Mutex;

use super::super::descriptor::Descriptor;
use super::super::{Jira, SiteFault, Standing};
use super::issue::{Actor, Draft, Issue};
use super::webhook::{Posted, Webhook};
use super::{Deed, Refusal};
use crate::atlassian::Site;

/// Why nothing was done to an issue.
#[derive(Debug, thiserror::Error)]
pub enum IssueFault {
    /// It makes no sense, or they may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The site is not there, or its state cannot be kept.
    #[error(transparent)]
    Site(#[from] SiteFault),
    /// The app's descriptor cannot be had.
    #[error("cannot read the app's descriptor: {0}")]
    Descriptor(&'static str),
}

impl From<NoAnswer> for IssueFault {
    fn from(_: NoAnswer) -> Self {
        Self::Descriptor("nobody answers")
    }
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Happened {
    /// The issue afterwards, or as it was before it was deleted.
    pub issue: Issue,
    /// What the app was told of it, as it was sent: may be sent again, as Jira sometimes does.
    pub webhooks: Vec<Webhook>,
    /// The first attempts, in the same order.
    pub posted: Vec<Posted>,
}

/// Who does them: one at a time, because webhooks of a site are sent in the order of what happened. Jira itself promises less.
#[derive(Debug)]
pub struct IssueDoings {
    jira: Jira,
    app: Arc<dyn Outbound>,
    one_at_a_time: Mutex<()>,
}

impl IssueDoings {
    /// In this Jira; `app` is the way to the app.
    #[must_use]
    pub fn of(jira: Jira, app: Arc<dyn Outbound>) -> Self {
        Self { jira, app, one_at_a_time: Mutex::default() }
    }

    /// Makes an issue on the site of this name.
    ///
    /// # Errors
    /// [`IssueFault`]; then nothing has changed and nobody was told. That the app does not take a webhook is no error.
    pub async fn create(&self, site: &str, actor: Actor, draft: Draft) -> Result<Happened, IssueFault> {
        self.act(site, actor, Deed::Create(draft)).await
    }

    /// Changes what people have filled in. An edit that changes nothing is no event.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    pub async fn edit(&self, site: &str, actor: Actor, id: &str, edit: impl FnOnce(&mut Draft) + Send) -> Result<Happened, IssueFault> {
        self.act(site, actor, Deed::Edit { id, edit: Box::new(edit) }).await
    }

    /// Adds a comment.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    pub async fn comment(&self, site: &str, actor: Actor, id: &str, text: &str) -> Result<Happened, IssueFault> {
        self.act(site, actor, Deed::Comment { id, text }).await
    }

    /// Deletes it with its comments.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    pub async fn delete(&self, site: &str, actor: Actor, id: &str) -> Result<Happened, IssueFault> {
        self.act(site, actor, Deed::Delete { id }).await
    }

    /// Sends again what is due. Whatever waits for an app that is gone or switched off is forgotten.
    ///
    /// # Errors
    /// [`SiteFault`] if the sites cannot be kept.
    pub async fn retry(&self) -> Result<Vec<Posted>, SiteFault> {
        let _turn = self.one_at_a_time.lock().await;
        let mut posted = Vec::new();
        for named in self.jira.sites() {
            posted.extend(self.send_due(&named.name).await?);
        }
        Ok(posted)
    }

    /// When the next webhook is sent again, in epoch seconds.
    #[must_use]
    pub fn next_retry(&self) -> Option<i64> {
        let state = self.jira.state();
        state.residents.values().flat_map(|resident| &resident.issues.outbox).map(|webhook| webhook.due).min()
    }

    /// Sends a webhook once more, whatever was answered before. Says what is answered now; `None` if nothing is.
    pub async fn send_again(&self, site: &Site, webhook: &Webhook) -> Option<u16> {
        webhook.send(site, self.app.as_ref(), self.jira.0.clock.now().epoch_seconds()).await
    }

    async fn act(&self, name: &str, actor: Actor, deed: Deed<'_>) -> Result<Happened, IssueFault> {
        let _turn = self.one_at_a_time.lock().await;
        let named = self.jira.site(name)?;
        let is_told = named.story.standing == Standing::Active;
        let descriptor = if is_told { Some(self.descriptor(&named.site).await?) } else { None };
        let addresses = |event: &str| descriptor.as_ref().map(|descriptor| descriptor.webhooks(event)).unwrap_or_default();
        let now = self.jira.0.clock.now();
        let (issue, webhooks) = {
            let mut state = self.jira.state();
            let resident = state.residents.values_mut().find(|resident| resident.name == name).ok_or(SiteFault::Unknown)?;
            let (issue, events) = resident.issues.act(&named.site, actor, now.epoch_millis(), deed)?;
            let before = resident.issues.outbox.len();
            resident.issues.post(events, &issue, addresses, now.epoch_seconds());
            let webhooks = resident.issues.outbox.get(before..).map(<[_]>::to_vec).unwrap_or_default();
            self.jira.save(&state).map_err(SiteFault::from)?;
            (issue, webhooks)
        };
        let mut posted = Vec::new();
        for webhook in &webhooks {
            posted.extend(self.send(&named.site, webhook).await?);
        }
        Ok(Happened { issue, webhooks, posted })
    }

    async fn send_due(&self, name: &str) -> Result<Vec<Posted>, SiteFault> {
        let (site, due) = {
            let mut state = self.jira.state();
            let Some(resident) = state.residents.values_mut().find(|resident| resident.name == name) else { return Ok(Vec::new()) };
            if resident.story.standing != Standing::Active && !resident.issues.outbox.is_empty() {
                resident.issues.outbox.clear();
                self.jira.save(&state)?;
                return Ok(Vec::new());
            }
            let now = self.jira.0.clock.now().epoch_seconds();
            let due = resident.issues.outbox.iter().filter(|webhook| webhook.due <= now).cloned();
            (resident.site.clone(), due.collect::<Vec<_>>())
        };
        let mut posted = Vec::new();
        for webhook in &due {
            posted.extend(self.send(&site, webhook).await?);
        }
        Ok(posted)
    }

    /// Sends a webhook of the outbox, and keeps it there if it is to come again.
    async fn send(&self, site: &Site, webhook: &Webhook) -> Result<Option<Posted>, SiteFault> {
        let status = self.send_again(site, webhook).await;
        let now = self.jira.0.clock.now().epoch_seconds();
        let mut state = self.jira.state();
        let Some(resident) = state.residents.get_mut(&site.client_key) else { return Ok(None) };
        let is_this = |one: &Webhook| (&one.identifier, &one.url) == (&webhook.identifier, &webhook.url);
        let outbox = &mut resident.issues.outbox;
        let Some(at) = outbox.iter().position(is_this) else { return Ok(None) };
        let posted = outbox.get_mut(at).map(|webhook| webhook.answered(status, now));
        if posted.as_ref().is_some_and(|posted| !posted.comes_again) {
            outbox.remove(at);
        }
        self.jira.save(&state)?;
        Ok(posted)
    }

    async fn descriptor(&self, site: &Site) -> Result<Descriptor, IssueFault> {
        let request = Request::get(format!("{}/atlassian-connect.json", site.app_base_url)).body(Bytes::new());
        let answer = self.app.send(request.map_err(|_| IssueFault::Descriptor("its address is none"))?).await?;
        if answer.status() != StatusCode::OK {
            return Err(IssueFault::Descriptor("it is refused"));
        }
        serde_json::from_slice(answer.body()).map_err(|_| IssueFault::Descriptor("it is none"))
    }
}
