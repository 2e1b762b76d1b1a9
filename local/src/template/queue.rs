//! A queue of the template as the embedded SQS takes it.

use std::time::Duration;

use yaml_serde::Value;

use super::{Template, TemplateFault, at, texts};
use crate::aws::{QueueSpec, Redrive};

impl Template {
    /// The logical ids of all queues. Locally, they are their physical names.
    #[must_use]
    pub fn queues(&self) -> Vec<String> {
        self.resources("AWS::SQS::Queue").into_iter().map(|(id, _)| id).collect()
    }

    /// All queues.
    ///
    /// # Errors
    /// If one gives up messages to no queue, or has times that are no numbers.
    pub fn queue_specs(&self) -> Result<Vec<QueueSpec>, TemplateFault> {
        self.resources("AWS::SQS::Queue").iter().map(|(id, queue)| queue_spec(id, queue)).collect()
    }
}

fn queue_spec(id: &str, queue: &Value) -> Result<QueueSpec, TemplateFault> {
    let plain = QueueSpec::from(id);
    let seconds = |name: &str, otherwise: Duration| match at(queue, &["Properties", name]) {
        None => Ok(otherwise),
        Some(said) => said.as_u64().map(Duration::from_secs).ok_or_else(|| TemplateFault(format!("{id}: {name} is no number"))),
    };
    let redrive = at(queue, &["Properties", "RedrivePolicy"]).map(|policy| {
        let most_receives = at(policy, &["maxReceiveCount"]).and_then(Value::as_u64);
        let (Some(most_receives), Some(dead_letters)) = (most_receives, texts(at(policy, &["deadLetterTargetArn"])).pop()) else {
            return Err(TemplateFault(format!("{id}: gives up messages, but not how often or to whom")));
        };
        Ok(Redrive { most_receives, dead_letters })
    });
    Ok(QueueSpec {
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
            delayed_for: Duration::ZERO,
            hidden_for: Duration::from_secs(960),
            kept_for: Duration::from_secs(14 * 86_400),
            redrive: Some(Redrive { most_receives: 5, dead_letters: "AttachmentDeadLetters".to_owned() }),
        };
        assert!(queues.contains(&expected), "{queues:?}");
        assert!(queues.iter().any(|queue| queue.name == "AttachmentDeadLetters" && queue.redrive.is_none()));
    }

    #[test]
    fn a_queue_that_cannot_be_read_is_refused() {
        for properties in ["VisibilityTimeout: soon", "RedrivePolicy: { maxReceiveCount: 5 }"] {
            let text = format!("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {{ {properties} }}\n");
            assert!(Template::parse(&text).unwrap().queue_specs().is_err(), "{properties}");
        }
    }
}
