//! The members of a payload, each read to its rule.

use serde_json::Value;
use url::Url;

use super::{BadPayload, MAX_BODY_BYTES, ProductType};
use crate::connect::members::Members;
use crate::connect::secret::Secret;
use crate::connect::site_hosts::SiteHosts;

/// Client keys are UUIDs today and were up to 60 letters before. The bound is our own.
const MAX_KEY_BYTES: usize = 255;

/// Below 16 bytes a secret could be guessed from one token.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 16..=1024;

pub(super) struct Fields<'a>(Members<'a>);

impl<'a> Fields<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, BadPayload> {
        if body.len() > MAX_BODY_BYTES {
            return Err(BadPayload { field: "body", problem: "is too long" });
        }
        Members::parse(body).map(Self).map_err(|_| BadPayload { field: "body", problem: "is not a JSON object" })
    }

    pub(super) fn event(&mut self, expected: &str) -> Result<(), BadPayload> {
        let event = self.required("eventType", 64)?;
        if event == expected { Ok(()) } else { Err(BadPayload { field: "eventType", problem: "names another event" }) }
    }

    pub(super) fn app_key(&mut self, expected: &str) -> Result<String, BadPayload> {
        let key = self.required("key", MAX_KEY_BYTES)?;
        if key == expected { Ok(key) } else { Err(BadPayload { field: "key", problem: "names another app" }) }
    }

    pub(super) fn client_key(&mut self) -> Result<String, BadPayload> {
        self.required("clientKey", MAX_KEY_BYTES)
    }

    pub(super) fn secret(&mut self, field: &'static str) -> Result<Secret, BadPayload> {
        let text = self.text(field)?.ok_or(BadPayload { field, problem: "is missing" })?;
        let secret = Secret::new(text);
        let length = secret.expose().len();
        if SECRET_BYTES.contains(&length) {
            return Ok(secret);
        }
        Err(BadPayload { field, problem: if length > *SECRET_BYTES.end() { "is too long" } else { "is too short" } })
    }

    pub(super) fn site(&mut self, field: &'static str, hosts: &SiteHosts) -> Result<Option<Url>, BadPayload> {
        let problem = "is not the address of an Atlassian cloud site";
        self.text(field)?.map(|text| hosts.site(&text).ok_or(BadPayload { field, problem })).transpose()
    }

    /// An empty one counts as none: it is for show only, and no reason to fail an installation.
    pub(super) fn display(&mut self, field: &'static str, hosts: &SiteHosts) -> Result<Option<Url>, BadPayload> {
        let text = self.text(field)?.filter(|text| !text.is_empty());
        text.map(|text| hosts.display(&text).ok_or(BadPayload { field, problem: "is not an https address" })).transpose()
    }

    /// Promise A-01: what is not one of Atlassian's cloud products is refused.
    pub(super) fn product(&mut self) -> Result<ProductType, BadPayload> {
        let name = self.required("productType", 64)?;
        ProductType::parse(&name).ok_or(BadPayload { field: "productType", problem: "is not a product we know" })
    }

    /// An empty text counts as none: admins may leave descriptions blank.
    pub(super) fn optional(&mut self, field: &'static str, max_bytes: usize) -> Result<Option<String>, BadPayload> {
        let text = self.text(field)?.filter(|text| !text.is_empty());
        if text.as_ref().is_some_and(|text| text.len() > max_bytes) {
            return Err(BadPayload { field, problem: "is too long" });
        }
        Ok(text)
    }

    fn required(&mut self, field: &'static str, max_bytes: usize) -> Result<String, BadPayload> {
        let text = self.text(field)?.ok_or(BadPayload { field, problem: "is missing" })?;
        if text.is_empty() {
            return Err(BadPayload { field, problem: "is empty" });
        }
        if text.len() > max_bytes {
            return Err(BadPayload { field, problem: "is too long" });
        }
        if text.chars().any(char::is_control) {
            return Err(BadPayload { field, problem: "holds control characters" });
        }
        Ok(text)
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, BadPayload> {
        match self.0.take(field) {
            Ok(None) => Ok(None),
            Ok(Some(Value::String(text))) => Ok(Some(text)),
            Ok(Some(_)) => Err(BadPayload { field, problem: "is not a text" }),
            Err(_) => Err(BadPayload { field, problem: "is given twice" }),
        }
    }
}
