//! What Lambda makes of a FIFO queue: the record that it shows, and what comes again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::platform::clock::ManualClock;
use shared::platform::outbound::Internet;
use shared::platform::queue::{self, Handled as Outcome};
use shared::platform::random::SystemRandom;
use shared::problem::Problem;

use super::*;
use crate::aws::QueueSpec;
use crate::host::{LocalHost, Settings, SinkVariables};

/// What the function was handed, in order. One test alone writes here.
static HANDED_OVER: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A function that fails at every message whose body ends so.
async fn handle(_: Platform, body: String) -> Result<Outcome, Problem> {
    let failed = body.ends_with("fails");
    HANDED_OVER.lock().unwrap().push(body);
    if failed { Err(Problem::unavailable("away")) } else { Ok(Outcome::Done("passed")) }
}

/// What was handed over since this was last asked.
fn handed_over() -> Vec<String> {
    std::mem::take(&mut *HANDED_OVER.lock().unwrap())
}

/// A queue of events that leads to [`handle`].
async fn world() -> (Delivery, Arc<ManualClock>, String) {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let host = LocalHost::start(Settings {
        folder: None,
        public_url: "http://127.0.0.1:1".to_owned(),
        install_keys_urls: "http://127.0.0.1:1".to_owned(),
        site_hosts: ".atlassian.net".to_owned(),
        bridge_script_url: "http://127.0.0.1:1/all.js".to_owned(),
        sites: Arc::new(Internet::default()),
        sinks: Arc::new(Internet::nameless()),
        sink_variables: SinkVariables::off(),
        s3_origin: None,
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
    });
    let host = host.await.unwrap();
    let aws = host.aws().clone();
    let url = aws.create_queue(QueueSpec { fifo: true, ..QueueSpec::from("Events") }).unwrap();
    let trigger = QueueTrigger {
        queue: "Events".to_owned(),
        function: "Probe".to_owned(),
        batch_size: 10,
        most_receives: 5,
        dead_letters: "Nowhere".to_owned(),
    };
    let handler: Handler = |platform, event| Box::pin(async move { queue::each(&platform, "probe", "", event, handle).await });
    let end = End { trigger, platform: host.platform("purge-worker").unwrap(), handler };
    (Delivery::new(aws, Vec::new(), vec![end]), clock, url)
}

async fn send(delivery: &Delivery, url: &str, group: &str, body: &str) {
    let message = aws_sdk_sqs::Client::new(&delivery.aws.sdk_config()).send_message().queue_url(url).message_body(body);
    message.message_group_id(group).message_deduplication_id(body).send().await.unwrap();
}

/// What stands behind a failed message of its group is handed over in the same batch; unless the function names it too, it is done with.
#[tokio::test]
async fn what_a_function_does_not_name_is_deleted_even_behind_what_failed() {
    let (delivery, clock, url) = world().await;
    for (group, body) in [("a", "a1-fails"), ("a", "a2"), ("b", "b1"), ("a", "a3-fails")] {
        send(&delivery, &url, group, body).await;
    }
    assert_eq!(delivery.deliver().await.unwrap()["probe"], Handled { done: 2, failed: 2 });
    assert_eq!(handed_over(), ["a1-fails", "a2", "a3-fails", "b1"]);
    send(&delivery, &url, "a", "a4").await;
    assert!(delivery.deliver().await.unwrap().is_empty(), "its group waits");
    assert_eq!((delivery.waits(), delivery.next()), (3, Some(1_800_000_030_000)));
    clock.advance(Duration::from_secs(30));
    assert_eq!(delivery.deliver().await.unwrap()["probe"], Handled { done: 1, failed: 2 });
    assert_eq!(handed_over(), ["a1-fails", "a3-fails", "a4"]);
    assert_eq!(delivery.aws.messages("Events").await.unwrap(), ["a1-fails", "a3-fails"]);
}

#[tokio::test]
async fn a_record_of_a_fifo_queue_shows_where_its_message_stands() {
    let (delivery, _, url) = world().await;
    send(&delivery, &url, "group", "id").await;
    let queues = delivery.aws.queues();
    let message = queues.receive("Events", 1, queues.begin_round()).unwrap().remove(0);
    let record = record(&queues.arn("Events").unwrap(), &message);
    assert!(record["eventSourceARN"].as_str().unwrap().ends_with(":Events.fifo"), "{record}");
    let expected = json!({
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1800000000000",
        "ApproximateFirstReceiveTimestamp": "1800000000000",
        "MessageGroupId": "group",
        "MessageDeduplicationId": "id",
        "SequenceNumber": message.sequence_number().unwrap(),
    });
    assert_eq!(record["attributes"], expected);
}

#[tokio::test]
async fn a_record_of_a_standard_queue_shows_no_order() {
    let (delivery, _, _) = world().await;
    delivery.aws.create_queue("Plain").unwrap();
    delivery.send("Plain", "x".to_owned()).unwrap();
    let queues = delivery.aws.queues();
    let message = queues.receive("Plain", 1, queues.begin_round()).unwrap().remove(0);
    let shown = record(&queues.arn("Plain").unwrap(), &message);
    let names: Vec<&String> = shown["attributes"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SentTimestamp"]);
    assert!(shown["eventSourceARN"].as_str().unwrap().ends_with(":Plain"));
}
