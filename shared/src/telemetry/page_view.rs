//! What leaves when a page is seen (promise A-17): the page, where its visitor came from, the tenant; nothing else.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::path::{PageAddress, Referrer};
use crate::platform::clock;
use crate::problem::Problem;
use crate::tenant::Tenant;

/// One page that was seen once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageView {
    /// The page, as a template.
    pub page: PageAddress,
    /// Where its visitor came from, as a template.
    pub referrer: Option<Referrer>,
    /// The tenant: a digest under its own index key, another one every month. It ends with the tenant's keys.
    pub tenant: String,
}

impl PageView {
    /// What may leave of what a page of the tenant's sent: `{"page": "…", "referrer": "…"}`. Nothing else in it is read.
    ///
    /// # Errors
    /// 400 that names `body`, `page` or `referrer`.
    pub fn read(tenant: &Tenant, body: &[u8]) -> Result<Self, Problem> {
        let body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Problem::malformed("body", "must be a JSON object"))?;
        let page = body.get("page").and_then(Value::as_str).ok_or_else(|| Problem::malformed("page", "must be a page of the app's"))?;
        let referrer = match body.get("referrer") {
            None | Some(Value::Null) => None,
            Some(Value::String(referrer)) => Some(referrer.as_str()),
            Some(_) => return Err(Problem::malformed("referrer", "must be an address")),
        };
        Self::of(tenant, page, referrer)
    }

    /// The same of both by themselves. A referrer that is none is left out: browsers send what they like there.
    fn of(tenant: &Tenant, page: &str, referrer: Option<&str>) -> Result<Self, Problem> {
        let (config, account) = (tenant.platform().config(), tenant.account());
        let page = PageAddress::of(page, tenant.app(), &config.public_url);
        let page = page.ok_or_else(|| Problem::malformed("page", "must be a page of the app's"))?;
        let own = account.display_url.iter().chain(&account.display_url_servicedesk_help_center);
        let own = std::iter::once(&account.base_url).chain(own).map(String::as_str);
        let referrer = referrer.and_then(|referrer| Referrer::of(referrer, &config.public_url, &config.site_hosts, own));
        let month: String = clock::rfc3339(tenant.platform().now()).chars().take(7).collect();
        Ok(Self { page, referrer, tenant: tenant.month_mark(&month) })
    }
}
