//! The lines of the functions' logs, on their way to the functions that have subscribed to them: what CloudWatch Logs does between the two.
//!
//! Whatever this process logs goes to standard output, as on Lambda, and waits here until it is handed on. What waits is bounded: a host that
//! nobody hands on for forgets the oldest lines, as CloudWatch Logs gives up on a function that does not answer.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use shared::platform::random::Random;

use crate::template::{Subscription, Template};

/// How many lines wait at most: more than a second of any load on this machine.
const MOST_LINES: usize = 20_000;

/// Lines that wait. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct LogFeed(Arc<Mutex<VecDeque<String>>>);

impl LogFeed {
    /// A writer of one event of the log, for [`subscriber`](shared::platform::log::subscriber): to standard output, and in here.
    #[must_use]
    pub fn writer(&self) -> LogWriter {
        LogWriter { feed: self.clone(), written: Vec::new() }
    }

    /// Lets a line wait.
    pub fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// All that wait, the oldest first. They wait no longer.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

/// Writes one event; it waits as a whole, however many pieces it was written in.
#[derive(Debug)]
pub struct LogWriter {
    feed: LogFeed,
    written: Vec<u8>,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        // Nobody can be told that standard output is closed.
        io::stdout().write_all(&self.written).ok();
        for line in String::from_utf8_lossy(&self.written).lines().filter(|line| !line.is_empty()) {
            self.feed.add(line.to_owned());
        }
    }
}

/// Who is sent which lines.
#[derive(Debug)]
pub(crate) struct LogFeeder {
    subscriptions: Vec<Subscription>,
    random: Arc<dyn Random>,
}

impl LogFeeder {
    /// `random` gives each line the id that CloudWatch Logs would.
    pub(crate) fn of(subscriptions: Vec<Subscription>, random: Arc<dyn Random>) -> Self {
        Self { subscriptions, random }
    }

    /// What these lines come to: for each function that is sent some of them its logical id, how many they are, and the event that Lambda
    /// would invoke it with.
    pub(crate) fn events(&self, lines: &[String]) -> Vec<(String, usize, Vec<u8>)> {
        let parsed: Vec<(&String, Value)> = lines.iter().filter_map(|line| Some((line, serde_json::from_str(line).ok()?))).collect();
        let targets: BTreeSet<&String> = self.subscriptions.iter().map(|one| &one.target).collect();
        let mut events = Vec::new();
        for target in targets {
            let is_sent = |line: &Value| self.subscriptions.iter().any(|one| one.target == *target && matches(one, line));
            let sent: Vec<Value> = parsed
                .iter()
                .filter(|(_, line)| is_sent(line))
                .filter_map(|(text, _)| Some(json!({"id": self.id()?, "message": text})))
                .collect();
            let count = sent.len();
            if let Some(event) = (count > 0).then(|| packed(&sent)).flatten() {
                events.push((target.clone(), count, event));
            }
        }
        events
    }

    /// Never the same one twice, and so no counter: the counters of usage outlive this process.
    fn id(&self) -> Option<String> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes).ok()?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn matches(subscription: &Subscription, line: &Value) -> bool {
    let logged_by = line.pointer("/faas/name").and_then(Value::as_str);
    let member = subscription.member.iter().try_fold(line, |value, name| value.get(name));
    logged_by.is_some_and(|name| name == Template::function_name(&subscription.source))
        && member.and_then(Value::as_f64).is_some_and(|number| number >= 0.0)
}

/// As CloudWatch Logs packs lines: base64 of gzip of JSON.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>.
fn packed(lines: &[Value]) -> Option<Vec<u8>> {
    let unpacked = json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/lethe/local", "logStream": "local",
        "subscriptionFilters": ["Counted"], "logEvents": lines,
    });
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(unpacked.to_string().as_bytes()).ok()?;
    let data = STANDARD.encode(gzip.finish().ok()?);
    serde_json::to_vec(&json!({"awslogs": {"data": data}})).ok()
}

#[cfg(test)]
mod tests {
    use shared::platform::log_lines::LogLines;
    use shared::platform::random::SystemRandom;

    use super::*;

    fn feeder() -> LogFeeder {
        LogFeeder::of(Template::deployed().unwrap().subscriptions().unwrap(), Arc::new(SystemRandom))
    }

    fn line(function: &str, event: &str) -> String {
        format!(r#"{{"faas":{{"name":"{function}"}},"event":{event}}}"#)
    }

    #[test]
    fn the_wide_events_of_functions_are_sent_and_nothing_else() {
        let wide = line("configuration", r#"{"duration":12}"#);
        let lines = [
            wide.clone(),
            line("configuration", r#"{"outcome":"success"}"#),
            line("configuration", r#"{"duration":"12"}"#),
            line("usage", r#"{"duration":12}"#),
            line("telemetry-forwarder", r#"{"duration":12}"#),
            line("somebody", r#"{"duration":12}"#),
            "no json".to_owned(),
        ];
        let events = feeder().events(&lines);
        assert_eq!(events.iter().map(|(target, count, _)| (target.as_str(), *count)).collect::<Vec<_>>(), [("Usage", 1)]);
        let read = LogLines::read(&events[0].2).unwrap();
        assert_eq!(read.lines.into_iter().map(|line| line.message).collect::<Vec<_>>(), [wide]);
    }

    #[test]
    fn the_same_line_twice_has_two_ids() {
        let wide = line("page", r#"{"duration":0}"#);
        let events = feeder().events(&[wide.clone(), wide]);
        let read = LogLines::read(&events[0].2).unwrap();
        assert!(read.lines.len() == 2 && read.lines[0].id != read.lines[1].id);
        assert!(feeder().events(&[]).is_empty());
    }

    #[test]
    fn what_is_written_in_pieces_waits_as_lines() {
        let feed = LogFeed::default();
        let mut writer = feed.writer();
        for piece in ["{\"a\"", ":1}\n", ""] {
            writer.write_all(piece.as_bytes()).unwrap();
        }
        drop(writer);
        assert_eq!(feed.take(), ["{\"a\":1}"]);
        assert!(feed.take().is_empty());
    }

    #[test]
    fn the_oldest_lines_are_forgotten() {
        let feed = LogFeed::default();
        for number in 0..=MOST_LINES {
            feed.add(number.to_string());
        }
        let lines = feed.take();
        assert_eq!((lines.len(), lines[0].as_str()), (MOST_LINES, "1"));
    }
}
