//! The extractors: a handler names the proof that it needs in its signature and cannot run without it.
//!
//! | extractor | signed with | hash of the request | gives |
//! |---|---|---|---|
//! | [`InstallToken`] | Atlassian's install key (RS256) | computed | an [`Event`] and its payload |
//! | [`HostEvent`] | the tenant's secret (HS256) | computed | an [`Event`] and its payload, in whatever state the tenant is |
//! | [`HostToken`] | the tenant's secret (HS256) | computed | an active [`Tenant`], and a caller with a [`Right`] |
//! | [`ContextToken`] | the tenant's secret (HS256) | exactly `context-qsh` | an active [`Tenant`], and a caller with a [`Right`] |
//!
//! The order is fixed: shape of the token, the tenant's items, its state, the signature, times, hash of the request, the caller's right, and
//! only then what the route itself asks for. Every refusal of identity is the same 401; the reason is for the log. The first two speak for
//! Atlassian itself, which needs no right.

use std::collections::HashMap;
use std::marker::PhantomData;

use aws_lc_rs::digest::{SHA256, digest as sha};
use axum::RequestPartsExt as _;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use url::Url;

use super::account::Account;
use super::id;
use super::lookup::{self, Known};
use super::moves::Event;
use super::rights::{Asking, Right};
use super::{Standing, Tenant};
use crate::connect::catalogue::{App, Catalogue};
use crate::connect::install_token::{InstallFault, Presented};
use crate::connect::jwt::{Algorithm, Carried, QshPolicy, TokenFault, Unverified};
use crate::connect::lifecycle::Lifecycle;
use crate::connect::{lifecycle, qsh};
use crate::platform::Platform;
use crate::platform::front::read_body;
use crate::platform::signal::Signal;
use crate::problem::{Problem, Refusal};
use crate::records::reading::{Opening, Rider, Wanted};

mod sealed {
    /// The two hashes that a route may demand. There is no "skip".
    pub trait Policy: Send {
        const POLICY: crate::connect::jwt::QshPolicy;
    }
}

/// The hash of this very request: what Atlassian signs when it calls us.
#[derive(Debug)]
pub struct Computed;

/// The fixed text of tokens that a page fetches for its own calls.
#[derive(Debug)]
pub struct ContextOnly;

impl sealed::Policy for Computed {
    const POLICY: QshPolicy = QshPolicy::Computed;
}

impl sealed::Policy for ContextOnly {
    const POLICY: QshPolicy = QshPolicy::ContextOnly;
}

/// An active tenant, proved by a token under its shared secret, a caller whose right was checked, and what was fetched along with it.
pub struct Session<P, W, R = ()> {
    /// The tenant.
    pub tenant: Tenant,
    /// Who calls, with the right that the route names.
    pub caller: W,
    /// What the route reads, fetched in the same round trip.
    pub along: R,
    policy: PhantomData<P>,
}

/// Atlassian itself calls, for a page or an event.
pub type HostToken<W, R = ()> = Session<Computed, W, R>;

/// Our page calls, inside Atlassian's.
pub type ContextToken<W, R = ()> = Session<ContextOnly, W, R>;

impl<P: sealed::Policy, R: Rider, W: Right<R>> FromRequestParts<Platform> for Session<P, W, R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, Problem> {
        let route = Route::of(parts, platform).await?;
        let wanted = R::wanted(&route.parameters);
        let proven = prove(parts, platform, &route, P::POLICY, wanted.as_ref().ok().and_then(Option::as_ref), true).await?;
        // A name that cannot be one is told only now: a bad token wins over a bad request.
        let wanted = wanted?;
        let tenant = proven.tenant;
        tenant.note(&parts.extensions);
        let item = match (proven.along, wanted) {
            (Some(item), _) => item,
            (None, Some(wanted)) => lookup::one(platform, (wanted.key)(tenant.keyring.clone(), &wanted.name)).await?,
            (None, None) => None,
        };
        let along = R::open(Opening { keyring: tenant.keyring.clone(), item }).await?;
        let caller = W::check(&Asking { tenant: &tenant, subject: proven.subject.as_deref() }, &along).await?;
        Ok(Self { tenant, caller, along, policy: PhantomData })
    }
}

/// An event that Atlassian signed with the tenant's secret (`enabled`, `disabled`). It is proved in whatever state the tenant is, as long as
/// its keys are there; what it may change is for the move to say.
pub struct HostEvent<T> {
    /// About whom and when.
    pub event: Event,
    /// Our own id of the tenant; not the tenant itself, which may have left.
    pub tenant_id: String,
    /// What came with it.
    pub payload: T,
}

impl<T: Lifecycle + Send> FromRequest<Platform> for HostEvent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, platform: &Platform) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let route = Route::of(&mut parts, platform).await?;
        let proven = prove(&parts, platform, &route, QshPolicy::Computed, None, false).await?;
        let payload = T::parse(&read_body(body, lifecycle::MAX_BODY_BYTES).await?, route.app.key, &platform.config().site_hosts)?;
        if payload.client_key() != proven.tenant.account.client_key {
            return Err(Problem::unauthorized("the payload is about another tenant").raising(Signal::CrossTenant));
        }
        Ok(Self { event: proven.event, tenant_id: proven.tenant.id().to_owned(), payload })
    }
}

/// An event that Atlassian signed with an install key (`installed`, `uninstalled`): proof of the installation itself.
pub struct InstallToken<T> {
    /// About whom and when.
    pub event: Event,
    /// What came with it.
    pub payload: T,
}

impl<T: Lifecycle + Send> FromRequest<Platform> for InstallToken<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, platform: &Platform) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let route = Route::of(&mut parts, platform).await?;
        let carried = Carried::find(&parts.headers, parts.uri.query())?;
        let move_id = move_id(&carried);
        // Whatever is cheap comes before a key is fetched: nobody makes us ask Atlassian with a token that could not pass.
        let presented = Presented::check(&carried, &route.signed(&parts), route.base_url.as_str(), platform.now())?;
        let payload = T::parse(&read_body(body, lifecycle::MAX_BODY_BYTES).await?, route.app.key, &platform.config().site_hosts)?;
        // Refused, and no cross-tenant attempt: nobody has looked at the signature yet, so anybody could keep that alarm ringing.
        let bound = presented.for_payload(payload.client_key())?;
        let claims = bound.verify(platform.install_keys()).await?;
        let digest = id::digest(route.app.slug, claims.issuer());
        Ok(Self { event: Event { app: route.app.slug, digest, iat: claims.issued_at(), move_id }, payload })
    }
}

/// Which app a request is for, and the parameters of its route.
pub(super) struct Route {
    pub(super) app: &'static App,
    base_url: Url,
    pub(super) parameters: HashMap<String, String>,
}

impl Route {
    pub(super) async fn of(parts: &mut Parts, platform: &Platform) -> Result<Self, Problem> {
        let raw = parts.extract::<RawPathParams>().await.map_err(|_| Problem::malformed("path", "must be UTF-8"))?;
        let parameters: HashMap<_, _> = raw.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let slug = parameters.get("app").map(String::as_str).unwrap_or_default();
        let app = Catalogue::hosted().find(slug).ok_or_else(|| Problem::new(Refusal::NotFound, "no such app"))?;
        Ok(Self { app, base_url: app.base_url(&platform.config().public_url), parameters })
    }

    /// The parts of the request that its hash covers, byte for byte as they came.
    fn signed<'a>(&'a self, parts: &'a Parts) -> qsh::Request<'a> {
        qsh::Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            base_path: self.base_url.path(),
        }
    }
}

/// What a token under the shared secret proves.
struct Proven {
    event: Event,
    tenant: Tenant,
    subject: Option<String>,
    along: Option<Option<crate::records::item::Item>>,
}

async fn prove(
    parts: &Parts,
    platform: &Platform,
    route: &Route,
    policy: QshPolicy,
    wanted: Option<&Wanted>,
    must_be_active: bool,
) -> Result<Proven, Problem> {
    let carried = Carried::find(&parts.headers, parts.uri.query())?;
    let unverified = Unverified::parse(&carried, Algorithm::Hs256)?;
    // A token that we signed for a call to the site must not open our own doors.
    unverified.claimed().check_issuer_is_not(route.app.key)?;
    let digest = id::digest(route.app.slug, unverified.claimed().issuer());
    let unknown = || Problem::unauthorized("no such tenant, or one that has left");
    let Known { item, keyring, along } = lookup::known(platform, &digest, wanted, must_be_active).await?.ok_or_else(unknown)?;
    let now = platform.now();
    let account = Account::open(&keyring, &item).await?;
    let claims = unverified.verify_hs256(&account.secrets(now))?;
    claims.check_times(now)?;
    claims.check_qsh(policy, &route.signed(parts))?;
    let event = Event { app: route.app.slug, digest, iat: claims.issued_at(), move_id: move_id(&carried) };
    let standing = Standing { state: item.state, epoch: item.epoch, installed_at: item.installed_at, enabled: item.enabled };
    let subject = claims.subject().map(ToOwned::to_owned);
    Ok(Proven { event, tenant: Tenant { app: route.app, keyring, account, standing }, subject, along })
}

/// What a token's event is called: a digest of its bytes.
fn move_id(token: &str) -> String {
    hex::encode(sha(&SHA256, token.as_bytes())).chars().take(32).collect()
}

/// A token that is refused is 401 whatever its fault; a query that can be read in two ways is 400.
impl From<TokenFault> for Problem {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::MalformedQuery => Self::malformed("query", "must be percent-encoded UTF-8"),
            // Whoever comes without one, or too late, may be honest.
            TokenFault::Missing | TokenFault::Expired => Self::unauthorized(fault.reason()),
            TokenFault::Audience => Self::unauthorized(fault.reason()).raising(Signal::OtherAudience),
            fault => Self::unauthorized(fault.reason()).raising(Signal::RefusedToken),
        }
    }
}

impl From<lifecycle::BadPayload> for Problem {
    fn from(bad: lifecycle::BadPayload) -> Self {
        Self::malformed(bad.field, bad.problem)
    }
}

impl From<InstallFault> for Problem {
    fn from(fault: InstallFault) -> Self {
        match fault {
            InstallFault::Token(fault) => fault.into(),
            InstallFault::KeysUnavailable => Self::unavailable("install keys are away").raising(Signal::AtlassianAway),
        }
    }
}
