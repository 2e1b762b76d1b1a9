//! One version of an issue: what an event showed of it, as far as it is selected, and which of two is newer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::personal;
use super::selection::Selection;
use crate::connect::WebhookEvent;
use crate::connect::webhook::Told;
use crate::problem::{Problem, Refusal};

/// How many bytes a version may have when it is packed: two of them fit into one item, and one of them, sealed and as text, into one message of
/// the smallest size that queues are made for (256 KiB).
const LARGEST_PACKED: usize = 190 * 1024;

/// How many bytes of JSON it may have: what is shown is two of them and what differs, and Lambda answers 6 MB at most, escapes included.
const LARGEST_JSON: usize = 700 * 1024;

/// How deep a field may be nested. Readers of JSON end at 127, and a field stands inside other things wherever it is kept.
const DEEPEST: usize = 100;

/// How far Jira's clock may be ahead of ours. What says that it is from later than that happened now, as it came: else it would pass for the
/// newest for ever.
const AHEAD_MILLIS: i64 = 5 * 60 * 1000;

/// Which of two events of an issue is newer. Equal ones are the same event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    /// When it happened, in milliseconds since 1970, by Jira's clock.
    pub(crate) at_millis: i64,
    /// Jira's number of the change, which grows.
    change: u64,
    /// A digest of the event's identifier: where nothing else tells two apart, everybody takes the same for the newer.
    tie: String,
}

impl Order {
    /// The place of an event that came at `now_millis`, with a digest of its identifier.
    pub(crate) fn of(told: &Told<'_>, identifier: &str, now_millis: i64) -> Self {
        let said = told.at_millis.filter(|at| (0..=now_millis.saturating_add(AHEAD_MILLIS)).contains(at));
        let tie = identifier.chars().take(16).collect();
        Self { at_millis: said.unwrap_or(now_millis), change: told.change, tie }
    }
}

/// One version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its place among the others.
    pub(crate) order: Order,
    /// The event that showed it.
    pub event: WebhookEvent,
    /// The issue's key then.
    pub key: Option<String>,
    /// The issue's project then.
    pub project: Option<u64>,
    /// The selected fields, without personal data.
    pub fields: BTreeMap<String, Value>,
    /// Selected fields that are too large to be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl Version {
    /// What is kept of the issue that an event showed.
    ///
    /// # Errors
    /// 500 if it cannot be packed.
    pub(crate) fn of(told: &Told<'_>, event: WebhookEvent, order: Order, selection: &Selection) -> Result<Self, Problem> {
        let (mut fields, mut left_out) = (BTreeMap::new(), Vec::new());
        for (name, raw) in told.fields.iter().filter(|(name, _)| selection.has_field(name)) {
            let value = Some(raw.get()).filter(|text| text.len() <= LARGEST_JSON).and_then(|text| serde_json::from_str(text).ok());
            match value.filter(|value| depth(value) <= DEEPEST) {
                Some(value) => drop(fields.insert(name.clone(), personal::removed(value))),
                None => left_out.push(name.clone()),
            }
        }
        let key = told.issue_key.clone().filter(|key| is_key(key));
        let mut version = Self { order, event, key, project: told.project, fields, left_out };
        version.fit()?;
        Ok(version)
    }

    /// Leaves out the largest fields until the rest can be kept.
    fn fit(&mut self) -> Result<(), Problem> {
        let mut sizes: Vec<(usize, String)> = self.fields.iter().map(|(name, value)| (value.to_string().len(), name.clone())).collect();
        sizes.sort_unstable();
        let mut plain: usize = sizes.iter().map(|(size, name)| size + name.len()).sum();
        // Packed only when it might do: packing a hundred large fields a hundred times would take longer than a webhook may.
        while plain > LARGEST_JSON || packed(self)?.len() > LARGEST_PACKED {
            let Some((size, largest)) = sizes.pop() else {
                return Err(Problem::new(Refusal::Internal, "a version without fields is too large"));
            };
            plain = plain.saturating_sub(size + largest.len());
            self.fields.remove(&largest);
            self.left_out.push(largest);
        }
        self.left_out.sort_unstable();
        Ok(())
    }

    /// The same, of what is selected now.
    pub(crate) fn selected(mut self, selection: &Selection) -> Self {
        self.fields.retain(|name, _| selection.has_field(name));
        self.left_out.retain(|name| selection.has_field(name));
        self
    }

    /// When it was so, in epoch seconds.
    #[must_use]
    pub const fn at(&self) -> i64 {
        self.order.at_millis.div_euclid(1000)
    }
}

/// Keys of issues are of capital letters, digits, `-` and `_` (Jira's documentation, "Changing the project key format"); anything else is none.
fn is_key(key: &str) -> bool {
    key.len() <= 255 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// How deep a value is nested.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// JSON of anything, packed.
pub(super) fn packed(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let fault = || Problem::new(Refusal::Internal, "cannot write an event as JSON");
    let json = Zeroizing::new(serde_json::to_vec(value).map_err(|_| fault())?);
    zstd::bulk::compress(&json, 3).map(Zeroizing::new).map_err(|_| fault())
}

/// The same back; `None` if it is none of ours.
pub(super) fn unpacked<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let json = Zeroizing::new(zstd::bulk::decompress(bytes, 2 * LARGEST_JSON).ok()?);
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_348_800_000;

    fn selection() -> Selection {
        Selection::parse(r#"{"projects":["10000"],"fields":["summary","description","assignee"]}"#).unwrap()
    }

    fn version(fields: &Value) -> Version {
        let body = json!({"timestamp": NOW, "issue": {"id": "1", "key": "DEMO-1", "fields": fields}}).to_string();
        let told = Told::read(body.as_bytes(), WebhookEvent::IssueUpdated).unwrap();
        let order = Order::of(&told, "0123456789abcdef0123", NOW);
        Version::of(&told, WebhookEvent::IssueUpdated, order, &selection()).unwrap()
    }

    /// Text that does not pack.
    fn noise(bytes: usize) -> String {
        let mut seed = 1_u64;
        let letter = std::iter::from_fn(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_digit(u32::try_from((seed >> 33) % 36).unwrap(), 36)
        });
        letter.take(bytes).collect()
    }

    /// Promises A-05, E-01.
    #[test]
    fn only_selected_fields_are_kept_and_people_as_account_ids() {
        let kept = version(&json!({"summary": "s", "secret": "x", "assignee": {"accountId": "5b10", "displayName": "Max"}}));
        assert_eq!(
            kept.fields,
            BTreeMap::from([("assignee".to_owned(), json!({"accountId": "5b10"})), ("summary".to_owned(), json!("s"))])
        );
        assert_eq!(kept.key.as_deref(), Some("DEMO-1"));
    }

    #[test]
    fn what_is_too_large_to_be_kept_is_left_out_and_named() {
        let kept = version(&json!({"summary": noise(1_000), "description": noise(400 * 1024), "assignee": noise(150 * 1024)}));
        assert_eq!(kept.left_out, ["description"]);
        assert_eq!(kept.fields.keys().collect::<Vec<_>>(), ["assignee", "summary"]);
        let kept = version(&json!({"summary": "a".repeat(4 << 20)}));
        assert_eq!((kept.left_out, kept.fields.len()), (vec!["summary".to_owned()], 0));
    }

    #[test]
    fn what_is_nested_too_deep_is_left_out_and_what_is_not_can_be_unpacked_again() {
        for deep in [1, 99, 100, 101, 110, 124] {
            let nested = "[".repeat(deep) + &"]".repeat(deep);
            let body = format!(r#"{{"issue":{{"id":"1","fields":{{"summary":{nested},"description":"d"}}}}}}"#);
            let told = Told::read(body.as_bytes(), WebhookEvent::IssueUpdated).unwrap();
            let version = Version::of(&told, WebhookEvent::IssueUpdated, Order::of(&told, "i", NOW), &selection()).unwrap();
            assert_eq!(version.left_out.is_empty(), deep <= 100, "{deep}");
            // Deeper than it stands in any letter or record of ours.
            let kept = json!([[[[[[[[version]]]]]]]]);
            assert!(unpacked::<Value>(&packed(&kept).unwrap()).is_some(), "{deep}");
        }
    }

    #[test]
    fn a_hundred_large_fields_are_not_packed_a_hundred_times_over() {
        let fields: Vec<String> = (0..100).map(|number| format!("f{number}")).collect();
        let selection = Selection::parse(&json!({"projects": ["1"], "fields": fields}).to_string()).unwrap();
        let values: serde_json::Map<String, Value> = fields.iter().map(|name| (name.clone(), noise(45 * 1024).into())).collect();
        let body = json!({"issue": {"id": "1", "fields": values}}).to_string();
        let told = Told::read(body.as_bytes(), WebhookEvent::IssueUpdated).unwrap();
        let version = Version::of(&told, WebhookEvent::IssueUpdated, Order::of(&told, "i", NOW), &selection).unwrap();
        assert_eq!(version.fields.len() + version.left_out.len(), 100);
        assert!(packed(&version).unwrap().len() <= LARGEST_PACKED && !version.fields.is_empty());
    }

    #[test]
    fn an_event_from_the_future_happened_when_it_came() {
        let order = |at: Value| {
            let body = json!({"timestamp": at, "issue": {"id": "1"}}).to_string();
            Order::of(&Told::read(body.as_bytes(), WebhookEvent::IssueUpdated).unwrap(), "i", NOW).at_millis
        };
        assert_eq!(order(json!(NOW - 5)), NOW - 5);
        assert_eq!(order(json!(NOW + AHEAD_MILLIS)), NOW + AHEAD_MILLIS);
        for odd in [json!(NOW + AHEAD_MILLIS + 1), json!(i64::MAX), json!(-1), json!(null), json!("x")] {
            assert_eq!(order(odd), NOW);
        }
    }

    #[test]
    fn later_is_newer_then_the_greater_change_and_then_anything_that_all_agree_on() {
        let order = |at_millis, change, tie: &str| Order { at_millis, change, tie: tie.to_owned() };
        assert!(order(2, 0, "a") > order(1, 9, "b"));
        assert!(order(1, 2, "a") > order(1, 1, "b"));
        assert!(order(1, 1, "b") > order(1, 1, "a"));
    }
}
