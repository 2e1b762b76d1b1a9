//! Presigned requests: signed in the query, for a while. They are checked here and not by s3s, which would go by the machine's clock.
//!
//! Signature Version 4 as the API reference describes it for query parameters: the payload is not signed, the host is, and so is every
//! `x-amz-` header.

use std::pin::Pin;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use http::{HeaderMap, Request, Uri};
use s3s::access::{S3Access, S3AccessContext};
use s3s::dto::{Timestamp, TimestampFormat};
use s3s::{Body, S3Error, S3Result, s3_error};
use url::form_urlencoded;

use super::checksum::hex;
use crate::aws::{ACCESS_KEY, REGION, SECRET_KEY};

/// The longest that one may be good for, in seconds: a week.
const LONGEST: i64 = 604_800;

/// How far a signer's clock may be ahead, in seconds.
const AHEAD: i64 = 900;

/// What makes a request a presigned one. They are taken out of it when it is admitted.
const SIGNING: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// Put on a request that was presigned as it has to be. No client can put it on.
#[derive(Clone, Copy)]
struct Admitted;

/// Lets in who is signed for, in a header (s3s has checked that) or in the query.
pub(super) struct Gate;

impl S3Access for Gate {
    fn check<'this, 'context, 'request, 'answer>(
        &'this self,
        context: &'context mut S3AccessContext<'request>,
    ) -> Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'answer>>
    where
        'this: 'answer,
        'context: 'answer,
        'request: 'answer,
        Self: 'answer,
    {
        let is_signed = context.credentials().is_some() || context.extensions_mut().get::<Admitted>().is_some();
        let decided = if is_signed { Ok(()) } else { Err(s3_error!(AccessDenied, "Access Denied")) };
        Box::pin(std::future::ready(decided))
    }
}

/// Checks a request if it is presigned, and makes it one that is let in; any other passes as it is.
///
/// # Errors
/// `AccessDenied` if it is too late or too early, `SignatureDoesNotMatch`, and what else AWS says to a query that is not as it was signed.
pub(super) fn admit(request: &mut Request<Body>, now_seconds: i64) -> S3Result<()> {
    let query = request.uri().query().unwrap_or_default();
    let has = |name| form_urlencoded::parse(query.as_bytes()).any(|(given, _)| given == name);
    if has("Signature") {
        return Err(s3_error!(
            InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        ));
    }
    if !has("X-Amz-Signature") {
        return Ok(());
    }
    let presigned = Presigned::read(request)?;
    presigned.check_time(now_seconds)?;
    presigned.check_signature()?;
    let rest: Vec<&str> = query.split('&').filter(|pair| !SIGNING.contains(&pair.split('=').next().unwrap_or_default())).collect();
    let target = format!("{}?{}", request.uri().path(), rest.join("&"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(target.parse().map_err(|_| s3_error!(InvalidURI, "Couldn't parse the specified URI."))?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| s3_error!(InvalidURI, "Couldn't parse the specified URI."))?;
    request.extensions_mut().insert(Admitted);
    Ok(())
}

/// What a presigned request says of its signing.
struct Presigned<'a> {
    method: &'a str,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    credential: String,
    date: String,
    expires: i64,
    signed_headers: Vec<String>,
    signature: String,
}

impl<'a> Presigned<'a> {
    fn read(request: &'a Request<Body>) -> S3Result<Self> {
        let query = request.uri().query().unwrap_or_default();
        let parameter = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(given, _)| given == name).map(|(_, value)| value.into_owned());
            found.ok_or_else(|| refused(&format!("Query-string authentication version 4 requires the {name} parameter.")))
        };
        if parameter("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
            return Err(refused("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\""));
        }
        let expires = parameter("X-Amz-Expires")?.parse().map_err(|_| refused("X-Amz-Expires should be a number"))?;
        let presigned = Self {
            method: request.method().as_str(),
            uri: request.uri(),
            headers: request.headers(),
            credential: parameter("X-Amz-Credential")?,
            date: parameter("X-Amz-Date")?,
            expires,
            signed_headers: parameter("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: parameter("X-Amz-Signature")?,
        };
        match expires {
            ..0 => Err(refused("X-Amz-Expires must be non-negative")),
            0..=LONGEST => Ok(presigned),
            _ => Err(refused("X-Amz-Expires must be less than a week (in seconds), that is 604800 seconds")),
        }
    }

    fn check_time(&self, now: i64) -> S3Result<()> {
        let signed_at =
            seconds(&self.date).ok_or_else(|| refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""))?;
        if now.saturating_add(AHEAD) < signed_at {
            return Err(s3_error!(AccessDenied, "Request is not valid yet"));
        }
        if now > signed_at.saturating_add(self.expires) {
            return Err(s3_error!(AccessDenied, "Request has expired"));
        }
        Ok(())
    }

    fn check_signature(&self) -> S3Result<()> {
        let mut scope = self.credential.splitn(2, '/');
        let (access_key, scope) = (scope.next().unwrap_or_default(), scope.next().unwrap_or_default());
        if access_key != ACCESS_KEY {
            return Err(s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records."));
        }
        let day = self.date.get(..8).unwrap_or_default();
        if scope != format!("{day}/{REGION}/s3/aws4_request") {
            return Err(refused(&format!("Error parsing the X-Amz-Credential parameter; expecting \"{day}/{REGION}/s3/aws4_request\".")));
        }
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        // This one s3s would take for a part of the signature; whoever sends it is held to it when the bytes come.
        let mut unsigned =
            self.headers.keys().filter(|name| name.as_str().starts_with("x-amz-") && name.as_str() != "x-amz-content-sha256");
        if !is_signed("host") || unsigned.any(|name| !is_signed(name.as_str())) {
            return Err(s3_error!(AccessDenied, "There were headers present in the request which were not signed"));
        }
        let hashed = hex(digest(&SHA256, self.canonical().as_bytes()).as_ref());
        let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hashed}", self.date);
        let signature = hex(hmac::sign(&signing_key(day), to_sign.as_bytes()).as_ref());
        verify_slices_are_equal(signature.as_bytes(), self.signature.as_bytes())
            .map_err(|_| s3_error!(SignatureDoesNotMatch, "The request signature we calculated does not match the signature you provided."))
    }

    /// The request in the form that is signed. Path and query stand there as they were sent: encoded already.
    fn canonical(&self) -> String {
        let pairs = self.uri.query().unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut pairs: Vec<(&str, &str)> = pairs.filter(|(name, _)| *name != "X-Amz-Signature").collect();
        pairs.sort_unstable();
        let query: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers: String = self.signed_headers.iter().map(|name| format!("{name}:{}\n", self.header(name))).collect();
        let (path, query, signed) = (self.uri.path(), query.join("&"), self.signed_headers.join(";"));
        format!("{}\n{path}\n{query}\n{headers}\n{signed}\nUNSIGNED-PAYLOAD", self.method)
    }

    fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let values: Vec<String> = values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        values.join(",")
    }
}

fn signing_key(day: &str) -> Key {
    let first = Key::new(HMAC_SHA256, format!("AWS4{SECRET_KEY}").as_bytes());
    [day, REGION, "s3", "aws4_request"].iter().fold(first, |key, part| Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()))
}

/// `20270115T080000Z` as seconds since 1970.
fn seconds(date: &str) -> Option<i64> {
    let (day, time) = date.strip_suffix('Z').filter(|date| date.is_ascii() && date.len() == 15)?.split_once('T')?;
    let (year, month, day) = (day.get(..4)?, day.get(4..6)?, day.get(6..)?);
    let (hour, minute, second) = (time.get(..2)?, time.get(2..4)?, time.get(4..)?);
    let moment = Timestamp::parse(TimestampFormat::DateTime, &format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()?;
    let mut written = Vec::new();
    moment.format(TimestampFormat::EpochSeconds, &mut written).ok()?;
    String::from_utf8(written).ok()?.split('.').next()?.parse().ok()
}

fn refused(message: &str) -> S3Error {
    s3_error!(AuthorizationQueryParametersError, "{message}")
}
