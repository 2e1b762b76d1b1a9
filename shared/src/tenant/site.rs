//! Asking a tenant's own site, as the app: at its stored address, only if that is still one that we may call, and never for long.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use tokio::time::timeout;

use super::Tenant;
use crate::connect::site_call::{Caller, CannotCall, SiteCall};
use crate::connect::webhook;
use crate::platform::outbound::{self, NoAnswer};

/// Why the site gave no answer that counts. Says nothing of the site or its users.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnswered {
    #[error("cannot ask the site: {0}")]
    Call(#[from] CannotCall),
    #[error("cannot ask the site: {0}")]
    NoAnswer(#[from] NoAnswer),
    #[error("cannot ask the site: it answered {0}")]
    Status(StatusCode),
    #[error("cannot ask the site: its answer is not of the documented form")]
    Form,
    #[error("cannot ask the site: its answer is about somebody else")]
    SomebodyElse,
}

/// Puts a question to the tenant's site. Any status is an answer here: what it means is for whoever asks.
pub(super) async fn ask(tenant: &Tenant, question: SiteCall<'_>) -> Result<Response<Bytes>, NotAnswered> {
    let (platform, account) = (tenant.platform(), tenant.account());
    let caller =
        Caller { app_key: tenant.app().key, client_key: &account.client_key, base_url: &account.base_url, secret: &account.shared_secret };
    let mut request = question.signed(caller, &platform.config().site_hosts, platform.now())?;
    let trace = HeaderValue::try_from(tenant.webhook_trace()).map_err(|_| CannotCall::Sign)?;
    request.headers_mut().insert(webhook::TRACE, trace);
    Ok(timeout(outbound::TIMEOUT, platform.sites().send(request)).await.map_err(|_| NoAnswer::TooSlow)??)
}
