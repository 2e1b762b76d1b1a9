//! The queues as the SDK and the pollers meet them.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use shared::platform::clock::ManualClock;

use super::super::{EmbeddedAws, StartFault, StoreFault, testing};
use super::{QueueFault, QueueSpec, Redrive};

fn world() -> (EmbeddedAws, Arc<ManualClock>, String) {
    let (aws, clock) = testing::world();
    aws.create_queue("dead").unwrap();
    let redrive = Some(Redrive { most_receives: 1, dead_letters: "dead".to_owned() });
    let url = aws.create_queue(QueueSpec { redrive, ..QueueSpec::from("purge") }).unwrap();
    (aws, clock, url)
}

/// The bodies of what is handed out now.
fn received(aws: &EmbeddedAws) -> Vec<String> {
    received_from(aws, "purge")
}

fn received_from(aws: &EmbeddedAws, queue: &str) -> Vec<String> {
    let round = aws.queues().begin_round();
    aws.queues().receive(queue, 10, round).unwrap().into_iter().map(|message| message.body).collect()
}

/// The same with a FIFO queue, "events", and its address.
fn fifo_world() -> (EmbeddedAws, Arc<ManualClock>, String) {
    let (aws, clock) = testing::world();
    aws.create_queue(QueueSpec { fifo: true, ..QueueSpec::from("dead-events") }).unwrap();
    let redrive = Some(Redrive { most_receives: 1, dead_letters: "dead-events".to_owned() });
    let url = aws.create_queue(QueueSpec { fifo: true, redrive, ..QueueSpec::from("events") }).unwrap();
    (aws, clock, url)
}

/// Sends a message of this group and deduplication id.
async fn send(aws: &EmbeddedAws, url: &str, group: &str, id: &str, body: &str) -> SendMessageOutput {
    let message = testing::sqs(aws).send_message().queue_url(url).message_body(body);
    message.message_group_id(group).message_deduplication_id(id).send().await.unwrap()
}

#[tokio::test]
async fn what_the_sdk_sends_is_held_back_by_the_clock_given() {
    let (aws, clock, url) = world();
    let send = |body: &str, delay| testing::sqs(&aws).send_message().queue_url(&url).message_body(body).delay_seconds(delay).send();
    send("later", 900).await.unwrap();
    send("now", 0).await.unwrap();
    assert_eq!(received(&aws), ["now"]);
    clock.advance(Duration::from_secs(899));
    assert_eq!(received(&aws), [""; 0]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(received(&aws), ["later"]);
}

#[tokio::test]
async fn a_batch_says_of_each_message_whether_it_was_sent() {
    let (aws, clock, url) = world();
    let entry = |id: &str, delay| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(format!("body of {id}")).delay_seconds(delay);
        entry.build().unwrap()
    };
    let batch = testing::sqs(&aws).send_message_batch().queue_url(&url);
    let sent = batch.entries(entry("a", 0)).entries(entry("b", 901)).entries(entry("c", 60)).send().await.unwrap();
    let ids: Vec<_> = sent.successful().iter().map(|sent| sent.id()).collect();
    assert_eq!((ids, sent.failed()[0].id(), sent.failed()[0].code()), (vec!["a", "c"], "b", "InvalidParameterValue"));
    assert_eq!(received(&aws), ["body of a"]);
    clock.advance(Duration::from_secs(60));
    // By now the first was handed out as often as may be.
    assert_eq!((received(&aws), aws.messages("dead").await.unwrap()), (vec!["body of c".to_owned()], vec!["body of a".to_owned()]));
}

#[tokio::test]
async fn a_queue_there_is_not_and_an_operation_there_is_not_are_refused_in_sqs_own_words() {
    let (aws, _, url) = world();
    let sqs = testing::sqs(&aws);
    let unknown = sqs.send_message().queue_url(url.replace("purge", "other")).message_body("x").send().await.unwrap_err();
    assert!(unknown.into_service_error().is_queue_does_not_exist());
    let unheard_of = sqs.receive_message().queue_url(&url).send().await.unwrap_err();
    assert_eq!(unheard_of.code(), Some("AWS.SimpleQueueService.UnsupportedOperation"));
    assert!(aws.send_to_queue("other", String::new()).await.is_err());
    assert!(matches!(aws.create_queue("no name"), Err(StartFault::QueueRefused(_))));
}

#[tokio::test]
async fn a_queue_made_again_keeps_what_it_has_and_looking_takes_nothing() {
    let (aws, _, url) = world();
    testing::sqs(&aws).send_message().queue_url(&url).message_body("by the sdk").send().await.unwrap();
    aws.send_to_queue("purge", "beside it".to_owned()).await.unwrap();
    assert_eq!(aws.create_queue("purge").unwrap(), url);
    for _ in 0..2 {
        assert_eq!(aws.messages("purge").await.unwrap(), ["by the sdk", "beside it"]);
    }
    assert_eq!(testing::sqs(&aws).list_queues().send().await.unwrap().queue_urls().len(), 2);
}

#[tokio::test]
async fn what_is_sent_again_within_five_minutes_is_told_of_and_not_taken() {
    let (aws, clock, url) = fifo_world();
    let first = send(&aws, &url, "g", "d", "first").await;
    clock.advance(Duration::from_secs(299));
    let again = send(&aws, &url, "g", "d", "again").await;
    let told = |sent: &SendMessageOutput| (sent.message_id.clone(), sent.sequence_number.clone());
    assert_eq!(told(&again), told(&first));
    let other = send(&aws, &url, "other-group", "d", "other").await;
    assert_ne!(other.message_id, first.message_id);
    assert_eq!(aws.messages("events").await.unwrap(), ["first", "other"]);
    clock.advance(Duration::from_secs(1));
    let later = send(&aws, &url, "g", "d", "later").await;
    assert_ne!(later.message_id, first.message_id);
    assert_eq!(aws.messages("events").await.unwrap(), ["first", "other", "later"]);
}

#[tokio::test]
async fn what_was_handled_already_is_not_taken_again_either() {
    let (aws, _, url) = fifo_world();
    send(&aws, &url, "g", "d", "first").await;
    let round = aws.queues().begin_round();
    for message in aws.queues().receive("events", 10, round).unwrap() {
        aws.queues().delete("events", &message);
    }
    send(&aws, &url, "g", "d", "again").await;
    assert_eq!(aws.messages("events").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_sequence_numbers_of_a_fifo_queue_grow_and_no_other_has_any() {
    let (aws, _, url) = fifo_world();
    let mut before = String::new();
    for number in 0..12 {
        let sent = send(&aws, &url, "g", &number.to_string(), "x").await.sequence_number.unwrap();
        assert!(sent > before && sent.len() == 20, "{sent}");
        before = sent;
    }
    let plain = aws.create_queue("plain").unwrap();
    let sent = testing::sqs(&aws).send_message().queue_url(plain).message_body("x").message_group_id("fair").send().await.unwrap();
    assert_eq!(sent.sequence_number, None);
}

#[tokio::test]
async fn each_kind_of_queue_refuses_what_only_the_other_takes() {
    let (aws, _, url) = fifo_world();
    let to = |url: &str| testing::sqs(&aws).send_message().queue_url(url).message_body("x");
    let group = || to(&url).message_group_id("g");
    for (message, code) in [
        (to(&url).message_deduplication_id("d"), "MissingParameter"),
        (group(), "InvalidParameterValue"),
        (group().message_deduplication_id("d").delay_seconds(1), "InvalidParameterValue"),
        (to(&aws.create_queue("plain").unwrap()).message_deduplication_id("d"), "InvalidParameterValue"),
    ] {
        assert_eq!(message.send().await.unwrap_err().code(), Some(code));
    }
    assert_eq!(aws.messages("events").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_batch_for_a_fifo_queue_says_of_each_message_where_it_stands() {
    let (aws, _, url) = fifo_world();
    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(id).message_deduplication_id(id);
    let entries = [entry("a").message_group_id("g"), entry("b"), entry("c").message_group_id("g")];
    let entries = entries.map(|entry| entry.build().unwrap()).to_vec();
    let sent = testing::sqs(&aws).send_message_batch().queue_url(&url).set_entries(Some(entries)).send().await.unwrap();
    let [a, c] = sent.successful() else { panic!("{sent:?}") };
    assert!(a.sequence_number() < c.sequence_number() && a.sequence_number().is_some());
    assert_eq!((sent.failed()[0].id(), sent.failed()[0].code()), ("b", "MissingParameter"));
    assert_eq!(received_from(&aws, "events"), ["a", "c"]);
}

#[tokio::test]
async fn a_fifo_queue_is_known_by_its_logical_name_and_its_address_ends_as_aws_demands() {
    let (aws, _, url) = fifo_world();
    assert!(url.ends_with("/events.fifo"), "{url}");
    assert_eq!(aws.queues().arn("events").unwrap().rsplit(':').next(), Some("events.fifo"));
    let plain = aws.create_queue("plain").unwrap();
    assert!(plain.ends_with("/plain"), "{plain}");
    for wrong in [url.replace(".fifo", ""), format!("{plain}.fifo")] {
        let message = testing::sqs(&aws).send_message().queue_url(wrong).message_body("x").message_group_id("g");
        assert!(message.send().await.unwrap_err().into_service_error().is_queue_does_not_exist());
    }
    assert!(aws.create_queue("events").is_err(), "no queue changes its kind");
    for (name, is_fine) in [("e".repeat(75), true), ("e".repeat(76), false), ("e.fifo".to_owned(), false)] {
        let spec = QueueSpec { fifo: true, ..QueueSpec::from(name.as_str()) };
        assert_eq!(aws.create_queue(spec).is_ok(), is_fine, "{name}");
    }
}

#[tokio::test]
async fn what_names_no_group_is_put_into_no_fifo_queue() {
    let (aws, _, _) = fifo_world();
    let fault = aws.send_to_queue("events", "x".to_owned()).await.unwrap_err();
    assert!(matches!(fault, StoreFault::Queue(QueueFault::NoGroup(_))), "{fault}");
}

#[tokio::test]
async fn what_is_put_in_by_hand_waits_for_no_other() {
    let (aws, _, _) = fifo_world();
    for body in ["one", "two", "two"] {
        aws.queues().put_by_hand("events", body.to_owned()).unwrap();
        assert_eq!(received_from(&aws, "events"), [body]);
    }
}

#[tokio::test]
async fn a_group_goes_on_when_its_first_lies_among_the_dead_letters() {
    let (aws, clock, url) = fifo_world();
    for id in ["a1", "a2"] {
        send(&aws, &url, "a", id, id).await;
    }
    let round = aws.queues().begin_round();
    aws.queues().receive("events", 1, round).unwrap();
    assert_eq!(received_from(&aws, "events"), [""; 0]);
    assert_eq!((aws.queues().count("events"), aws.next_message("events")), (2, Some(1_800_000_030_000)));
    clock.advance(Duration::from_secs(30));
    assert_eq!(received_from(&aws, "events"), ["a2"]);
    assert_eq!(aws.messages("dead-events").await.unwrap(), ["a1"]);
    let round = aws.queues().begin_round();
    let buried = aws.queues().receive("dead-events", 1, round).unwrap();
    assert_eq!(buried[0].group.as_deref(), Some("a"));
}

#[tokio::test]
async fn what_is_too_old_when_it_is_given_up_is_gone() {
    let (aws, clock) = testing::world();
    let redrive = Some(Redrive { most_receives: 1, dead_letters: "dead".to_owned() });
    aws.create_queue(QueueSpec { kept_for: Duration::from_secs(10), ..QueueSpec::from("dead") }).unwrap();
    aws.create_queue(QueueSpec { redrive, ..QueueSpec::from("purge") }).unwrap();
    aws.send_to_queue("purge", "x".to_owned()).await.unwrap();
    assert_eq!(received(&aws), ["x"]);
    clock.advance(Duration::from_secs(30));
    assert_eq!((aws.queues().count("purge"), aws.queues().count("dead")), (0, 0));
}
