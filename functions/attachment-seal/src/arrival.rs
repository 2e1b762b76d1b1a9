//! The message of a queue as EventBridge makes it of what S3 says: "Object Created" (S3 User Guide, "EventBridge event message structure").

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::attachment::sealing::named;
use shared::platform::queue::DeadLetter;

/// What we read of the message.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Arrival {
    source: String,
    detail_type: String,
    #[serde(default)]
    time: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

impl Arrival {
    /// What arrived in the bucket `incoming`, or why the message says no such thing.
    pub(crate) fn read(body: &str, incoming: &str) -> Result<Self, DeadLetter> {
        let Ok(arrival) = serde_json::from_str::<Self>(body) else {
            return Err(DeadLetter { reason: "not an event of eventbridge", about: BTreeMap::new() });
        };
        if arrival.source != "aws.s3" || arrival.detail_type != "Object Created" {
            return Err(arrival.letter("another event"));
        }
        if arrival.detail.bucket.name != incoming {
            return Err(arrival.letter("another bucket"));
        }
        Ok(arrival)
    }

    pub(crate) fn key(&self) -> &str {
        &self.detail.object.key
    }

    /// Whatever could be a text of a customer's is left out: times, buckets and our own names have forms that hold none.
    pub(crate) fn letter(&self, reason: &'static str) -> DeadLetter {
        let (bucket, key) = (&self.detail.bucket.name, self.key());
        let is_time = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'+' | b'T' | b'Z');
        let is_bucket = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let known = [
            ("event_at", &*self.time, self.time.len() <= 35 && self.time.bytes().all(is_time)),
            ("bucket", bucket, bucket.len() <= 63 && bucket.bytes().all(is_bucket)),
            ("key", key, named(key).is_some()),
        ];
        let about = known.into_iter().filter(|(_, _, is_plain)| *is_plain).map(|(name, text, _)| (name, text.to_owned()));
        DeadLetter { reason, about: about.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(source: &str, kind: &str, bucket: &str, key: &str) -> String {
        format!(
            r#"{{"source":"{source}","detail-type":"{kind}","time":"2026-11-22T12:00:00Z",
                "detail":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}","size":1}}}}}}"#
        )
    }

    fn refused(body: &str) -> DeadLetter {
        Arrival::read(body, "incoming").err().unwrap()
    }

    #[test]
    fn the_message_about_a_new_object_names_its_key() {
        assert_eq!(Arrival::read(&event("aws.s3", "Object Created", "incoming", "a/b"), "incoming").ok().unwrap().key(), "a/b");
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (body, reason) in [
            (String::new(), "not an event of eventbridge"),
            ("[]".to_owned(), "not an event of eventbridge"),
            (r#"{"source":"aws.s3","detail-type":"Object Created","detail":{}}"#.to_owned(), "not an event of eventbridge"),
            (event("aws.ec2", "Object Created", "incoming", "a"), "another event"),
            (event("aws.s3", "Object Deleted", "incoming", "a"), "another event"),
            (event("aws.s3", "Object Created", "sealed", "a"), "another bucket"),
        ] {
            assert_eq!(refused(&body).reason, reason, "{body}");
        }
    }

    #[test]
    fn a_dead_letter_holds_nothing_that_a_customer_could_have_written() {
        let ours = format!("{}/{}", "0a".repeat(32), "1b".repeat(32));
        let letter = refused(&event("aws.s3", "Object Created", "other", &ours));
        assert_eq!(letter.about.get("key"), Some(&ours));
        assert_eq!(letter.about.get("event_at").map(String::as_str), Some("2026-11-22T12:00:00Z"));
        let letter = refused(&event("aws.s3", "Object Created", "A Name", "plans of ours.pdf"));
        assert_eq!(letter.about.keys().copied().collect::<Vec<_>>(), ["event_at"]);
    }
}
