//! From the queue to the sinks: one function, which knows no tenant and opens nothing. What lies in the queue is what leaves.
//!
//! - [`sentry`], [`ga4`], [`datadog`]: what is sent to each, exactly. - [`patience`]: what an answer means, and when to ask again.
//!
//! At least once: SQS may bring a letter twice, and an answer may get lost after it was taken. Sentry knows an event again by its id; Google counts a
//! view twice then, and Datadog a sum: where its answer was lost and another process tries again, or where SQS brings it again.
//!
//! What a sink does not take now is sent to the queue again, later each time: a message that only waited hidden would be buried after five times.
//! After [`MOST_TRIES`], after a day, or when a sink says that it never will, the letter is dead, and its dead letter says why and nothing of what
//! it held.

mod datadog;
mod ga4;
mod patience;
mod sentry;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::metrics::Point;
use super::outgoing::{self, Letter, Outgoing};
use super::sink::Destination;
use crate::platform::Platform;
use crate::platform::queue::{BatchAnswer, DeadLetter, Handled, QueueEvent, each_kind};
use crate::problem::{Problem, Refusal};
use datadog::Sums;
use patience::{Answered, Patience, Verdict};

const FUNCTION: &str = "telemetry-forwarder";

/// How often a letter is tried: with the waits between, for two hours and more.
const MOST_TRIES: u32 = 12;

/// What is older, in seconds, is worth nothing any more.
const OLDEST: i64 = 24 * 60 * 60;

/// What this process remembers from one letter to the next.
#[derive(Default)]
pub struct Memory {
    patience: Patience,
    sums: Sums,
    told: [OnceLock<()>; Destination::ALL.len()],
}

impl Memory {
    /// Whether this was not said of a sink before; now it was.
    pub(super) fn is_untold(&self, destination: Destination) -> bool {
        self.told.get(destination as usize).is_some_and(|told| told.set(()).is_ok())
    }
}

/// One batch. Its metrics leave together, everything else by itself.
pub async fn forward(platform: &Platform, event: QueueEvent) -> BatchAnswer {
    Destination::ALL.into_iter().for_each(|destination| destination.tell_if_off(platform));
    let dead_letters = &platform.config().queues.telemetry_dead_letters;
    let handle = |platform: Platform, bodies: Vec<String>| async move { letters(&platform, &bodies).await };
    each_kind(platform, FUNCTION, dead_letters, event, kind, handle).await
}

/// Of a letter no more than what it holds one of: to read it is to scrub it, and that is done once.
#[derive(Deserialize)]
struct Peeked<'b> {
    #[serde(borrow)]
    outgoing: BTreeMap<&'b str, IgnoredAny>,
}

fn kind(body: &str) -> Option<String> {
    let letter: Peeked<'_> = serde_json::from_str(body).ok()?;
    letter.outgoing.contains_key("metrics").then(|| "metrics".to_owned())
}

/// What becomes of each of these letters, which are of one kind.
async fn letters(platform: &Platform, bodies: &[String]) -> Vec<Result<Handled, Problem>> {
    let mut ready = Vec::new();
    let mut handled: Vec<Option<Result<Handled, Problem>>> = Vec::new();
    for body in bodies {
        match screened(platform, body).await {
            Ok(letter) => {
                ready.push(letter);
                handled.push(None);
            }
            Err(ended) => handled.push(Some(ended)),
        }
    }
    let answered = leave(platform, &ready).await;
    let mut left = Vec::new();
    for letter in ready {
        left.push(match &answered {
            Ok(answered) => settled(platform, letter, answered).await,
            Err(problem) => Err(problem.again()),
        });
    }
    let mut left = left.into_iter();
    handled.into_iter().filter_map(|ended| ended.or_else(|| left.next())).collect()
}

/// The letter, if it may leave now; else what becomes of it.
async fn screened(platform: &Platform, body: &str) -> Result<Letter, Result<Handled, Problem>> {
    let Ok(mut letter) = serde_json::from_str::<Letter>(body) else {
        return Err(Ok(Handled::Dead(DeadLetter { reason: "no letter of ours", about: BTreeMap::new() })));
    };
    let (destination, now) = (letter.outgoing.destination(), platform.now());
    if !destination.is_on(&platform.config().sinks) {
        return Err(Ok(Handled::Done(destination.off())));
    }
    if now.saturating_sub(letter.at) >= OLDEST {
        return Err(Ok(dead(destination, "older than a day")));
    }
    if let Outgoing::Metrics(points) = &mut letter.outgoing {
        datadog::keep_current(points, now);
        if points.is_empty() {
            return Err(Ok(Handled::Done("too old for its sink")));
        }
    }
    let until = platform.forwarding().patience.until(destination).max(letter.not_before);
    if until > now {
        let waited = outgoing::send_again(platform, &letter, until - now).await;
        return Err(waited.map(|()| Handled::Done("waits for its sink")));
    }
    Ok(letter)
}

/// Sends what these letters hold, all of one kind: metrics in one request, and of anything else there is only one.
async fn leave(platform: &Platform, letters: &[Letter]) -> Result<Answered, Problem> {
    match letters.first().map(|letter| &letter.outgoing) {
        None => Ok(Answered::of(Verdict::Taken)),
        Some(Outgoing::BrowserError(error)) => Ok(post(platform, Destination::Sentry, sentry::request(platform, error)?).await),
        Some(Outgoing::PageView(view)) => Ok(post(platform, Destination::GoogleAnalytics, ga4::request(platform, view)?).await),
        Some(Outgoing::Metrics(_)) => {
            let points =
                letters.iter().filter_map(|letter| if let Outgoing::Metrics(points) = &letter.outgoing { Some(points) } else { None });
            metrics(platform, &points.flatten().cloned().collect::<Vec<_>>()).await
        }
    }
}

/// Sends points, added to what this process has sent of their minutes before.
async fn metrics(platform: &Platform, points: &[Point]) -> Result<Answered, Problem> {
    let sums = &platform.forwarding().sums;
    let whole = sums.add(points, platform.now());
    let answered = match datadog::request(platform, sums, &whole) {
        Ok(request) => Ok(post(platform, Destination::Datadog, request).await),
        Err(problem) => Err(problem),
    };
    if !matches!(&answered, Ok(Answered { verdict: Verdict::Taken, .. })) {
        sums.take_back(points);
    }
    answered
}

/// Sends one request, and remembers what its sink asks for.
async fn post(platform: &Platform, destination: Destination, request: Request<Bytes>) -> Answered {
    // Why nobody answered does not matter: it is tried again, and meanwhile its sink keeps nobody else's letters waiting.
    let answered = match platform.sinks().send(request).await {
        Ok(answer) => patience::read(destination, answer.status(), answer.headers(), platform.now()),
        Err(_) => Answered { verdict: Verdict::NotNow, hold: Some(patience::wait(0)) },
    };
    if let Some(hold) = answered.hold {
        platform.forwarding().patience.hold(destination, platform.now().saturating_add(hold));
    }
    answered
}

/// What becomes of a letter whose sink has answered so.
async fn settled(platform: &Platform, letter: Letter, answered: &Answered) -> Result<Handled, Problem> {
    let destination = letter.outgoing.destination();
    match answered.verdict {
        Verdict::Taken => Ok(Handled::Done("forwarded")),
        Verdict::Never => Ok(dead(destination, refused(destination))),
        Verdict::NotNow => {
            let tried = letter.tried.saturating_add(1);
            if tried >= MOST_TRIES {
                return Ok(dead(destination, "tried too often"));
            }
            let wait = patience::wait(letter.tried).max(answered.hold.unwrap_or(0));
            let again = Letter { tried, not_before: platform.now().saturating_add(wait), ..letter };
            outgoing::send_again(platform, &again, wait).await.map(|()| Handled::Done("not taken yet"))
        }
    }
}

const fn refused(destination: Destination) -> &'static str {
    match destination {
        Destination::Sentry => "refused by sentry",
        Destination::GoogleAnalytics => "refused by ga4",
        Destination::Datadog => "refused by datadog",
    }
}

fn dead(destination: Destination, reason: &'static str) -> Handled {
    Handled::Dead(DeadLetter { reason, about: BTreeMap::from([("sink", destination.sink().name.to_owned())]) })
}

/// A sink is on and we do not have what it lets us in with.
fn no_secret(destination: Destination) -> Problem {
    Problem::new(Refusal::Internal, format!("{} is on, and its secret is elsewhere", destination.sink().name))
}

/// A POST of these bytes.
fn post_of(address: &str, headers: &[(&'static str, &str)], body: Vec<u8>) -> Result<Request<Bytes>, Problem> {
    let mut request = Request::post(address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // The fault would quote the address, which may hold a secret.
    request.body(Bytes::from(body)).map_err(|_| Problem::new(Refusal::Internal, "cannot write a request to a sink"))
}

#[cfg(test)]
mod tests;
