//! A queue of the template as the embedded SQS takes it.

use std::time::Duration;

use yaml_serde::Value;

use super::{Template, TemplateFault, at, texts};
use crate::aws::{QueueSpec, Redrive};

impl Template {
    /// The logical ids of all queues. Locally, a queue's physical name is its logical id, with `.fifo` behind it for a FIFO queue.
    #[must_use]
    pub fn queues(&self) -> Vec<String> {
        self.resources("AWS::SQS::Queue").into_iter().map(|(id, _)| id).collect()
    }

    /// All queues.
    ///
    /// # Errors
    /// If one gives up messages to no queue or to one of the other kind, deduplicates as none of ours does, or has times that are no numbers.
    pub fn queue_specs(&self) -> Result<Vec<QueueSpec>, TemplateFault> {
        let queues = self.resources("AWS::SQS::Queue");
        let specs = queues.iter().map(|(id, queue)| queue_spec(id, queue)).collect::<Result<Vec<_>, _>>()?;
        for spec in &specs {
            let dead_letters = spec.redrive.as_ref().and_then(|redrive| specs.iter().find(|other| other.name == redrive.dead_letters));
            if let Some(dead_letters) = dead_letters.filter(|dead_letters| dead_letters.fifo != spec.fifo) {
                let why = format!("gives up messages to {}, and only one of them is a FIFO queue", dead_letters.name);
                return Err(TemplateFault(format!("{}: {why}", spec.name)));
            }
        }
        Ok(specs)
    }
}

fn queue_spec(id: &str, queue: &Value) -> Result<QueueSpec, TemplateFault> {
    let plain = QueueSpec::from(id);
    let fault = |why: &str| TemplateFault(format!("{id}: {why}"));
    let seconds = |name: &str, otherwise: Duration| match at(queue, &["Properties", name]) {
        None => Ok(otherwise),
        Some(said) => said.as_u64().map(Duration::from_secs).ok_or_else(|| fault(&format!("{name} is no number"))),
    };
    let switch = |name: &str| match at(queue, &["Properties", name]) {
        None => Ok(false),
        Some(said) => said.as_bool().ok_or_else(|| fault(&format!("{name} is neither true nor false"))),
    };
    let fifo = switch("FifoQueue")?;
    if switch("ContentBasedDeduplication")? {
        return Err(fault(
            "deduplicates by content, which is never used here: a sealed body is another each time, so the sender names an id",
        ));
    }
    let scope = at(queue, &["Properties", "DeduplicationScope"]).and_then(Value::as_str);
    if fifo && scope != Some("messageGroup") {
        return Err(fault("is a FIFO queue without DeduplicationScope: messageGroup, and others are not embedded"));
    }
    let redrive = at(queue, &["Properties", "RedrivePolicy"]).map(|policy| {
        let most_receives = at(policy, &["maxReceiveCount"]).and_then(Value::as_u64);
        let (Some(most_receives), Some(dead_letters)) = (most_receives, texts(at(policy, &["deadLetterTargetArn"])).pop()) else {
            return Err(fault("gives up messages, but not how often or to whom"));
        };
        Ok(Redrive { most_receives, dead_letters })
    });
    Ok(QueueSpec {
        fifo,
        delayed_for: seconds("DelaySeconds", plain.delayed_for)?,
        hidden_for: seconds("VisibilityTimeout", plain.hidden_for)?,
        kept_for: seconds("MessageRetentionPeriod", plain.kept_for)?,
        redrive: redrive.transpose()?,
        name: plain.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read_with_its_times_and_its_dead_letters() {
        let queues = Template::deployed().unwrap().queue_specs().unwrap();
        let expected = QueueSpec {
            name: "ArrivalQueue".to_owned(),
            fifo: false,
            delayed_for: Duration::ZERO,
            hidden_for: Duration::from_secs(960),
            kept_for: Duration::from_secs(14 * 86_400),
            redrive: Some(Redrive { most_receives: 5, dead_letters: "AttachmentDeadLetters".to_owned() }),
        };
        assert!(queues.contains(&expected), "{queues:?}");
        assert!(queues.iter().any(|queue| queue.name == "AttachmentDeadLetters" && queue.redrive.is_none()));
    }

    fn read(queues: &[(&str, &str)]) -> Result<Vec<QueueSpec>, TemplateFault> {
        let queue = |(id, properties): &(&str, &str)| format!("  {id}:\n    Type: AWS::SQS::Queue\n    Properties: {{ {properties} }}\n");
        let queues: String = queues.iter().map(queue).collect();
        Template::parse(&format!("Resources:\n{queues}")).unwrap().queue_specs()
    }

    const FIFO: &str = "FifoQueue: true, DeduplicationScope: messageGroup";

    #[test]
    fn a_queue_that_cannot_be_read_is_refused() {
        for properties in ["VisibilityTimeout: soon", "RedrivePolicy: { maxReceiveCount: 5 }", "FifoQueue: perhaps", "FifoQueue: true"] {
            assert!(read(&[("Q", properties)]).is_err(), "{properties}");
        }
    }

    #[test]
    fn a_fifo_queue_is_read_as_one() {
        let queues = read(&[("Q", FIFO), ("Plain", "FifoQueue: false")]).unwrap();
        let expected = [QueueSpec { fifo: true, ..QueueSpec::from("Q") }, QueueSpec::from("Plain")];
        assert_eq!(queues, expected);
    }

    #[test]
    fn a_queue_gives_up_messages_to_one_of_its_own_kind_only() {
        let redrive = "RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5 }";
        let fifo = format!("{FIFO}, {redrive}");
        assert!(read(&[("Q", &fifo), ("Dead", FIFO)]).is_ok());
        assert!(read(&[("Q", redrive), ("Dead", "")]).is_ok());
        for (queue, dead) in [(fifo.as_str(), ""), (redrive, FIFO)] {
            let fault = read(&[("Q", queue), ("Dead", dead)]).unwrap_err();
            assert_eq!(fault.to_string(), "cannot read template.yaml: Q: gives up messages to Dead, and only one of them is a FIFO queue");
        }
    }

    #[test]
    fn deduplication_by_content_is_refused_because_it_is_never_used() {
        let fault = read(&[("Q", &format!("{FIFO}, ContentBasedDeduplication: true"))]).unwrap_err();
        assert!(fault.to_string().contains("never used"), "{fault}");
        assert!(read(&[("Q", &format!("{FIFO}, ContentBasedDeduplication: false"))]).is_ok());
    }
}
