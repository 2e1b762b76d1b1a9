//! The account: what Atlassian tells us of an installation (promises, E-08), sealed in the tenants item.
//!
//! The shared secret is in here and nowhere else. It never leaves through `Serialize` by accident: answers are built field by field.

use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::{Zeroize as _, Zeroizing};

use super::item::TenantItem;
use crate::connect::{Installed, ProductType, Secret};
use crate::envelope::Place;
use crate::problem::{Problem, Refusal};
use crate::records::item::Damaged;
use crate::records::keyring::Keyring;
use crate::records::retention;

/// What we hold of an installation.
pub struct Account {
    /// Atlassian's name of the tenant.
    pub client_key: String,
    /// Where its REST calls go to and its pages lie.
    pub base_url: String,
    /// A custom domain for links, if it has one.
    pub display_url: Option<String>,
    /// The custom domain of its help center, if it has one.
    pub display_url_servicedesk_help_center: Option<String>,
    /// Jira or Confluence.
    pub product_type: ProductType,
    /// Numbers of the contract, where the app is paid for.
    pub entitlement: Entitlement,
    /// For acting as a user; sealed like the rest.
    pub oauth_client_id: Option<String>,
    /// Forge's name of the installation, once it has one.
    pub installation_id: Option<String>,
    pub(crate) shared_secret: Secret,
    pub(crate) previous_secret: Option<PreviousSecret>,
}

/// The contract's numbers as Atlassian names them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entitlement {
    /// The service entitlement number (deprecated by Atlassian, still sent).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_entitlement_number: Option<String>,
    /// The entitlement's id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entitlement_id: Option<String>,
    /// The entitlement's number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entitlement_number: Option<String>,
}

/// A secret that tokens in flight may still be signed with.
pub(crate) struct PreviousSecret {
    pub(crate) secret: Secret,
    pub(crate) until: i64,
}

/// The account as it is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    schema: u16,
    client_key: String,
    base_url: String,
    display_url: Option<String>,
    display_url_servicedesk_help_center: Option<String>,
    product_type: ProductType,
    entitlement: Entitlement,
    oauth_client_id: Option<String>,
    installation_id: Option<String>,
    shared_secret: String,
    previous_secret: Option<(String, i64)>,
}

impl Account {
    /// The account that an `installed` describes, after the one that was held before, if any.
    ///
    /// A secret that changes is honoured for 15 minutes more, for requests in flight. An `installationId` that is missing is kept: after a
    /// site's rename Atlassian leaves it out.
    pub(crate) fn after(installed: &Installed, before: Option<&Self>, now: i64) -> Self {
        let shared_secret = installed.shared_secret.clone();
        let overlap = i64::try_from(retention::PREVIOUS_SECRET.as_secs()).unwrap_or(0);
        let previous_secret = before.and_then(|before| {
            if before.shared_secret.expose() == shared_secret.expose() {
                let honoured = before.previous_secret.as_ref().filter(|known| now < known.until);
                honoured.map(|known| PreviousSecret { secret: known.secret.clone(), until: known.until })
            } else {
                Some(PreviousSecret { secret: before.shared_secret.clone(), until: now.saturating_add(overlap) })
            }
        });
        Self {
            client_key: installed.client_key.clone(),
            base_url: as_sent(&installed.base_url),
            display_url: installed.display_url.as_ref().map(as_sent),
            display_url_servicedesk_help_center: installed.display_url_servicedesk_help_center.as_ref().map(as_sent),
            product_type: installed.product_type,
            entitlement: Entitlement {
                service_entitlement_number: installed.service_entitlement_number.clone(),
                entitlement_id: installed.entitlement_id.clone(),
                entitlement_number: installed.entitlement_number.clone(),
            },
            oauth_client_id: installed.oauth_client_id.clone(),
            installation_id: installed.installation_id.clone().or_else(|| before.and_then(|before| before.installation_id.clone())),
            shared_secret,
            previous_secret,
        }
    }

    /// The secrets that a token may be signed with now, the current one first.
    pub(crate) fn secrets(&self, now: i64) -> Vec<&[u8]> {
        let previous = self.previous_secret.as_ref().filter(|previous| now < previous.until);
        std::iter::once(&self.shared_secret)
            .chain(previous.map(|previous| &previous.secret))
            .map(|secret| secret.expose().as_bytes())
            .collect()
    }

    /// Seals the account for the tenants item with this digest.
    pub(crate) fn seal(&self, keyring: &Keyring, digest: &str) -> Result<Vec<u8>, Problem> {
        let mut sealed = Sealed {
            schema: 1,
            client_key: self.client_key.clone(),
            base_url: self.base_url.clone(),
            display_url: self.display_url.clone(),
            display_url_servicedesk_help_center: self.display_url_servicedesk_help_center.clone(),
            product_type: self.product_type,
            entitlement: self.entitlement.clone(),
            oauth_client_id: self.oauth_client_id.clone(),
            installation_id: self.installation_id.clone(),
            shared_secret: self.shared_secret.expose().to_owned(),
            previous_secret: self.previous_secret.as_ref().map(|previous| (previous.secret.expose().to_owned(), previous.until)),
        };
        let json = serde_json::to_vec(&sealed).map(Zeroizing::new);
        sealed.shared_secret.zeroize();
        if let Some((secret, _)) = &mut sealed.previous_secret {
            secret.zeroize();
        }
        keyring.seal(&place(digest), &json.map_err(|_| Problem::new(Refusal::Internal, "cannot write the account"))?)
    }

    /// Opens the account of a tenants item.
    pub(crate) async fn open(keyring: &Keyring, item: &TenantItem) -> Result<Self, Problem> {
        let json = keyring.open(&place(&item.digest), &item.account).await?;
        let sealed: Sealed = serde_json::from_slice(&json).map_err(|_| Damaged("account"))?;
        Ok(Self {
            client_key: sealed.client_key,
            base_url: sealed.base_url,
            display_url: sealed.display_url,
            display_url_servicedesk_help_center: sealed.display_url_servicedesk_help_center,
            product_type: sealed.product_type,
            entitlement: sealed.entitlement,
            oauth_client_id: sealed.oauth_client_id,
            installation_id: sealed.installation_id,
            shared_secret: Secret::new(sealed.shared_secret),
            previous_secret: sealed.previous_secret.map(|(secret, until)| PreviousSecret { secret: Secret::new(secret), until }),
        })
    }
}

/// Atlassian writes addresses without a slash at the end; reading one adds it.
fn as_sent(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn place(digest: &str) -> Place<'_> {
    Place { service: "tenants", resource: "tenants", pk: digest.as_bytes(), sk: b"", attribute: "account" }
}
