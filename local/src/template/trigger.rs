//! What leads to the functions that nobody calls over HTTP: rules of EventBridge that lead to queues, and queues that lead to functions.

use std::time::Duration;

use serde_json::Value as Json;
use yaml_serde::Value;

use super::{Template, TemplateFault, at, bucket_name, texts};

/// How many messages Lambda hands over at once if nobody says.
const DEFAULT_BATCH: usize = 10;

/// A rule of EventBridge: what it lets through, and to which queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The sources that it is about.
    pub sources: Vec<String>,
    /// The kinds of event that it is about.
    pub detail_types: Vec<String>,
    /// The physical names, here, of the buckets that it is about.
    pub buckets: Vec<String>,
    /// The logical id of the queue.
    pub queue: String,
}

/// A queue that leads to a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueTrigger {
    /// The queue's logical id.
    pub queue: String,
    /// The function's logical id.
    pub function: String,
    /// How many messages it is handed at once at most.
    pub batch_size: usize,
    /// How often a message is handed out before it is given up.
    pub most_receives: u64,
    /// The logical id of the queue for what was given up.
    pub dead_letters: String,
}

impl Rule {
    /// Whether it lets this event through.
    #[must_use]
    pub fn matches(&self, event: &Json) -> bool {
        let lists = |list: &[String], pointer: &str| {
            event.pointer(pointer).and_then(Json::as_str).is_some_and(|said| list.iter().any(|listed| listed == said))
        };
        lists(&self.sources, "/source") && lists(&self.detail_types, "/detail-type") && lists(&self.buckets, "/detail/bucket/name")
    }
}

impl Template {
    /// The rules of EventBridge about objects in buckets. Those that tell people, through a topic, are about calls that nobody makes here.
    ///
    /// # Errors
    /// If any other rule is about anything else, or leads elsewhere than to one queue.
    pub fn rules(&self) -> Result<Vec<Rule>, TemplateFault> {
        let topics = self.resources("AWS::SNS::Topic");
        let tells = |rule: &Value| {
            let targets = at(rule, &["Properties", "Targets"]).and_then(Value::as_sequence).into_iter().flatten();
            let mut led = targets.flat_map(|target| texts(at(target, &["Arn"]))).peekable();
            led.peek().is_some() && led.all(|target| topics.iter().any(|(id, _)| *id == target))
        };
        let rules = self.resources("AWS::Events::Rule").into_iter().filter(|(_, rule)| !tells(rule)).map(|(id, rule)| {
            let pattern = at(&rule, &["Properties", "EventPattern"]).ok_or_else(|| TemplateFault(format!("{id}: no pattern")))?;
            let targets = at(&rule, &["Properties", "Targets"]).and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default();
            let [target] = targets else { return Err(TemplateFault(format!("{id}: not one target"))) };
            let buckets: Vec<_> = texts(at(pattern, &["detail", "bucket", "name"])).iter().map(|bucket| bucket_name(bucket)).collect();
            let queue = texts(at(target, &["Arn"])).pop().filter(|_| !buckets.is_empty());
            let queue = queue.ok_or_else(|| TemplateFault(format!("{id}: not from buckets to a queue")))?;
            Ok(Rule { sources: texts(at(pattern, &["source"])), detail_types: texts(at(pattern, &["detail-type"])), buckets, queue })
        });
        rules.collect()
    }

    /// The queues that lead to functions.
    ///
    /// # Errors
    /// If such a queue gives up nothing, or its function does not say which messages of a batch failed.
    pub fn queue_triggers(&self) -> Result<Vec<QueueTrigger>, TemplateFault> {
        let queues = self.queue_specs()?;
        let triggers = self.events("SQS").into_iter().map(|(function, event)| {
            let said = |name: &str| at(&event, &["Properties", name]);
            let queue = texts(said("Queue")).pop();
            let found = queues.iter().find(|spec| Some(&spec.name) == queue.as_ref());
            let spec = found.ok_or_else(|| TemplateFault(format!("{function}: no such queue")))?;
            let redrive = spec.redrive.as_ref().ok_or_else(|| TemplateFault(format!("{}: no dead letters", spec.name)))?;
            if texts(said("FunctionResponseTypes")) != ["ReportBatchItemFailures"] {
                return Err(TemplateFault(format!("{function}: does not say which messages failed")));
            }
            Ok(QueueTrigger {
                queue: spec.name.clone(),
                function,
                batch_size: said("BatchSize").and_then(Value::as_u64).and_then(|size| size.try_into().ok()).unwrap_or(DEFAULT_BATCH),
                most_receives: redrive.most_receives,
                dead_letters: redrive.dead_letters.clone(),
            })
        });
        triggers.collect()
    }

    /// How long a function may take.
    #[must_use]
    pub fn timeout(&self, function: &str) -> Duration {
        let own = at(&self.root, &["Resources", function, "Properties", "Timeout"]);
        let seconds = own.or_else(|| at(&self.root, &["Globals", "Function", "Timeout"])).and_then(Value::as_u64);
        Duration::from_secs(seconds.unwrap_or_default())
    }

    /// The events of this type that start functions, each with its function.
    pub(super) fn events(&self, kind: &str) -> Vec<(String, Value)> {
        let functions = self.resources("AWS::Serverless::Function");
        let events = functions.iter().flat_map(|(id, function)| {
            let events = at(function, &["Properties", "Events"]).and_then(Value::as_mapping).into_iter().flatten();
            events.map(move |(_, event)| (id.clone(), event.clone()))
        });
        events.filter(|(_, event)| at(event, &["Type"]).and_then(Value::as_str) == Some(kind)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_arrives_is_led_to_its_function() {
        let template = Template::deployed().unwrap();
        let rules = template.rules().unwrap();
        let event =
            |source: &str, kind: &str, bucket: &str| json!({"source": source, "detail-type": kind, "detail": {"bucket": {"name": bucket}}});
        let led: Vec<_> = rules.iter().filter(|rule| rule.matches(&event("aws.s3", "Object Created", "incoming-bucket"))).collect();
        let triggers = template.queue_triggers().unwrap();
        let trigger = triggers.iter().find(|trigger| Some(&trigger.queue) == led.first().map(|rule| &rule.queue)).unwrap();
        assert_eq!((trigger.function.as_str(), trigger.batch_size, trigger.most_receives), ("AttachmentSeal", 1, 5));
        assert!(template.queues().contains(&trigger.dead_letters));
        for other in [
            event("aws.s3", "Object Created", "sealed-bucket"),
            event("aws.s3", "Object Deleted", "incoming-bucket"),
            event("ours", "Object Created", "incoming-bucket"),
            json!({}),
        ] {
            assert!(!rules.iter().any(|rule| rule.matches(&other)), "{other}");
        }
    }

    #[test]
    fn timeouts_are_read() {
        let template = Template::deployed().unwrap();
        assert_eq!(template.timeout("AttachmentReconcile"), Duration::from_secs(900));
        assert_eq!(template.timeout("Account"), Duration::from_secs(10));
    }
}
