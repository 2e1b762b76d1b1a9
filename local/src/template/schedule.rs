//! When the functions run that run by a schedule: the rates of EventBridge Scheduler. Its other two forms, `cron` and `at`, are refused: nothing
//! of ours needs a time of day, and here nobody would keep to it.

use std::time::Duration;

use yaml_serde::Value;

use super::{Template, TemplateFault, at};

/// A function and how often it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The function's logical id.
    pub function: String,
    /// From one run to the next; whole minutes.
    pub every: Duration,
}

impl Template {
    /// The schedules of all functions.
    ///
    /// # Errors
    /// If one is no rate.
    pub fn schedules(&self) -> Result<Vec<Schedule>, TemplateFault> {
        let schedules = self.events("ScheduleV2").into_iter().map(|(function, event)| {
            let said = at(&event, &["Properties", "ScheduleExpression"]).and_then(Value::as_str).unwrap_or_default();
            let every =
                rate(said).ok_or_else(|| TemplateFault(format!("{function}: its schedule is {said:?}, and only rates are read")))?;
            Ok(Schedule { function, every })
        });
        schedules.collect()
    }
}

/// `rate(7 days)`.
fn rate(said: &str) -> Option<Duration> {
    let (count, unit) = said.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let seconds: u64 = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_nothing_else() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        assert_eq!(["rate(1 hour)", "rate(1 day)", "rate(7 days)"].map(rate), [hours(1), hours(24), hours(168)]);
        assert_eq!(rate("rate(5 minutes)"), Some(Duration::from_secs(300)));
        for refused in ["", "cron(0 12 * * ? *)", "at(2026-11-22T12:00:00)", "rate(0 days)", "rate(1 month)", "rate(1day)", "rate(-1 days)"]
        {
            assert_eq!(rate(refused), None, "{refused}");
        }
    }

    #[test]
    fn the_schedules_of_the_template_are_read() {
        let schedules = Template::deployed().unwrap().schedules().unwrap();
        let daily = Schedule { function: "AttachmentReconcile".to_owned(), every: Duration::from_secs(86_400) };
        assert!(schedules.contains(&daily), "{schedules:?}");
    }

    #[test]
    fn a_schedule_by_cron_is_refused_by_its_functions_name() {
        let event = "{ Type: ScheduleV2, Properties: { ScheduleExpression: cron(0 12 * * ? *) } }";
        let text = format!("Resources:\n  Noon:\n    Type: AWS::Serverless::Function\n    Properties: {{ Events: {{ E: {event} }} }}\n");
        let refused = Template::parse(&text).unwrap().schedules().unwrap_err().to_string();
        assert!(refused.contains("Noon") && refused.contains("cron(0 12"), "{refused}");
    }
}
