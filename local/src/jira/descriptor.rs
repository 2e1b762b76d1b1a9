//! What Jira reads of an app's descriptor: where its events go, and which page it offers.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::platform::clock::Clock;

use super::doings::DoingFault;
use super::user::User;
use crate::atlassian::{Signed, Site};

/// As far as this Jira reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    base_url: String,
    #[serde(default)]
    lifecycle: BTreeMap<String, String>,
    #[serde(default)]
    modules: Modules,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modules {
    #[serde(default)]
    general_pages: Vec<GeneralPage>,
    #[serde(default)]
    webhooks: Vec<WebhookModule>,
}

#[derive(Debug, Deserialize)]
struct GeneralPage {
    url: String,
}

#[derive(Debug, Deserialize)]
struct WebhookModule {
    event: String,
    url: String,
}

impl Descriptor {
    /// Reads the descriptor of the app on this site, as Atlassian does before an installation.
    pub(super) async fn of(site: &Site, http: &reqwest::Client) -> Result<Self, DoingFault> {
        let answer = http.get(format!("{}/atlassian-connect.json", site.app_base_url)).send().await?.error_for_status()?;
        serde_json::from_slice(&answer.bytes().await?).map_err(DoingFault::Descriptor)
    }

    /// Where this event goes, if the app asks for it.
    pub(super) fn event(&self, event: &str) -> Option<String> {
        Some(format!("{}{}", self.base_url, self.lifecycle.get(event)?))
    }

    /// Where the app is told of this event of issues, below its base URL.
    pub(super) fn webhooks(&self, event: &str) -> Vec<String> {
        self.modules.webhooks.iter().filter(|module| module.event == event).map(|module| module.url.clone()).collect()
    }

    /// The address of the app's first page for this user, signed for this one load; `None` if the app has no page.
    pub(super) fn page(
        &self,
        site: &Site,
        user: User,
        licensed: bool,
        jira: &str,
        clock: &dyn Clock,
    ) -> Result<Option<String>, DoingFault> {
        let Some(page) = self.modules.general_pages.first() else { return Ok(None) };
        let address = format!("{}{}", self.base_url, page.url);
        let mut address = url::Url::parse(&address).map_err(|_| DoingFault::Address)?;
        address
            .query_pairs_mut()
            .append_pair("xdm_e", jira)
            .append_pair("xdm_c", "channel-lethe")
            .append_pair("cp", "")
            .append_pair("lic", if licensed { "active" } else { "none" })
            .append_pair("cv", "1001.0.0");
        let request = Signed { method: "GET", path: address.path(), query: address.query().unwrap_or_default() };
        let token = site.host_token_for(user, request, clock.now().epoch_seconds())?;
        address.query_pairs_mut().append_pair("jwt", &token);
        Ok(Some(address.into()))
    }
}
