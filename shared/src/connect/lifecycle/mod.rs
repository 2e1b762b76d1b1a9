//! What Atlassian tells us when an app is installed, removed, switched on or off.
//!
//! Unknown members are welcome; those we use are held to their type and length and may not be given twice. A refusal names the member,
//! never what stood in it. Reading a payload proves nothing: who sent it is [`super::install_token`]'s business.

mod fields;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use self::fields::Fields;
use super::secret::Secret;
use super::site_hosts::SiteHosts;

/// The largest body we read, in bytes. Real ones have about 1 KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A payload that cannot be used: 400, naming the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the payload: {field} {problem}")]
pub struct BadPayload {
    /// The member, or `body`.
    pub field: &'static str,
    /// What is wrong with it; never what stood in it.
    pub problem: &'static str,
}

/// One lifecycle event.
pub trait Lifecycle: Sized {
    /// Its name: what `eventType` must say, and the last segment of its path.
    const EVENT: &'static str;

    /// Reads the body of a request. `app_key` is the key of the app whose route it came by.
    ///
    /// # Errors
    /// [`BadPayload`].
    fn parse(body: &[u8], app_key: &str, hosts: &SiteHosts) -> Result<Self, BadPayload>;

    /// Atlassian's name of the installation, which the token's issuer must equal.
    fn client_key(&self) -> &str;
}

/// The products apps are installed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProductType {
    /// Jira.
    Jira,
    /// Confluence.
    Confluence,
}

impl ProductType {
    /// As Atlassian writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::Confluence => "confluence",
        }
    }

    /// Reads what [`ProductType::name`] writes.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Jira, Self::Confluence].into_iter().find(|product| product.name() == name)
    }
}

/// The app was installed, or upgraded, or its site was renamed or has a new secret: always the whole truth, to be taken over as it is.
pub struct Installed {
    /// The app's key.
    pub key: String,
    /// Atlassian's name of the installation.
    pub client_key: String,
    /// What the site and we sign with from now on.
    pub shared_secret: Secret,
    /// Where the site's REST API is. Confluence's ends in `/wiki`.
    pub base_url: Url,
    /// The address customers know, if it is another. For links and for embedding; never to be called.
    pub display_url: Option<Url>,
    /// The same for the help centre.
    pub display_url_servicedesk_help_center: Option<Url>,
    /// Which product.
    pub product_type: ProductType,
    /// The support entitlement number. Paid apps only.
    pub service_entitlement_number: Option<String>,
    /// The licence's id. Paid apps only.
    pub entitlement_id: Option<String>,
    /// The licence's number. Paid apps only.
    pub entitlement_number: Option<String>,
    /// For acting on behalf of users.
    pub oauth_client_id: Option<String>,
    /// Forge's name of the installation. It may be missing after a rename, which takes nothing back.
    pub installation_id: Option<String>,
}

impl Lifecycle for Installed {
    const EVENT: &'static str = "installed";

    fn parse(body: &[u8], app_key: &str, hosts: &SiteHosts) -> Result<Self, BadPayload> {
        let mut fields = Fields::parse(body)?;
        // First of all, so that it is wiped even if another member is refused.
        let shared_secret = fields.secret("sharedSecret")?;
        fields.event(Self::EVENT)?;
        Ok(Self {
            key: fields.app_key(app_key)?,
            client_key: fields.client_key()?,
            shared_secret,
            base_url: fields.site("baseUrl", hosts)?.ok_or(BadPayload { field: "baseUrl", problem: "is missing" })?,
            display_url: fields.display("displayUrl", hosts)?,
            display_url_servicedesk_help_center: fields.display("displayUrlServicedeskHelpCenter", hosts)?,
            product_type: fields.product()?,
            service_entitlement_number: fields.optional("serviceEntitlementNumber", 255)?,
            entitlement_id: fields.optional("entitlementId", 255)?,
            entitlement_number: fields.optional("entitlementNumber", 255)?,
            oauth_client_id: fields.optional("oauthClientId", 1024)?,
            installation_id: fields.optional("installationId", 255)?,
        })
    }

    fn client_key(&self) -> &str {
        &self.client_key
    }
}

/// The three events that bring no secret say the same things.
macro_rules! notice {
    ($(#[$doc:meta])* $name:ident, $event:literal) => {
        $(#[$doc])*
        pub struct $name {
            /// The app's key.
            pub key: String,
            /// Atlassian's name of the installation.
            pub client_key: String,
        }

        impl Lifecycle for $name {
            const EVENT: &'static str = $event;

            // What else it says is not used, so that nothing in it can keep a tenant from leaving.
            fn parse(body: &[u8], app_key: &str, _: &SiteHosts) -> Result<Self, BadPayload> {
                let mut fields = Fields::parse(body)?;
                fields.event(Self::EVENT)?;
                Ok(Self { key: fields.app_key(app_key)?, client_key: fields.client_key()? })
            }

            fn client_key(&self) -> &str {
                &self.client_key
            }
        }

        redacted!($name);
    };
}

/// Names the event and nothing of its customer.
macro_rules! redacted {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

redacted!(Installed);

notice! {
    /// The app was removed: the tenant leaves, and its clock starts.
    Uninstalled, "uninstalled"
}

notice! {
    /// The app was switched on by an admin of the site.
    Enabled, "enabled"
}

notice! {
    /// The app was switched off by an admin of the site.
    Disabled, "disabled"
}
