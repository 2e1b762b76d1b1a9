//! Which functions are sent the lines of which logs: the subscription filters of the template that lead to a function of it. Others lead out of
//! the region's functions and are not read here.

use yaml_serde::Value;

use super::{Template, TemplateFault, at, text};

/// The lines of one function's log that go to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The logical id of the function whose log it is.
    pub source: String,
    /// The logical id of the function that is sent them.
    pub target: String,
    /// The member that a line has if it is sent, a number that is not negative: the names on the way to it, the outermost first.
    pub member: Vec<String>,
}

impl Template {
    /// The subscriptions of all functions.
    ///
    /// # Errors
    /// If one is of no form that is read here.
    pub fn subscriptions(&self) -> Result<Vec<Subscription>, TemplateFault> {
        let functions = self.functions();
        let mut subscriptions = Vec::new();
        for (id, filter) in self.resources("AWS::Logs::SubscriptionFilter") {
            let fault = |what: &str| TemplateFault(format!("{id}: {what}"));
            let properties = at(&filter, &["Properties"]).ok_or_else(|| fault("no properties"))?;
            let Some(target) = referred(properties, "DestinationArn").and_then(|named| named.strip_suffix(".Alias")) else { continue };
            let group = referred(properties, "LogGroupName").and_then(|group| group.strip_suffix("Log"));
            let source =
                group.filter(|source| functions.iter().any(|function| function == source)).ok_or_else(|| fault("no function's log"))?;
            let said = text(properties, "FilterPattern").unwrap_or_default();
            let member = member(said).ok_or_else(|| fault("a pattern that is not read here"))?;
            subscriptions.push(Subscription { source: source.to_owned(), target: target.to_owned(), member });
        }
        Ok(subscriptions)
    }
}

/// What `!Ref` names.
fn referred<'v>(properties: &'v Value, name: &str) -> Option<&'v str> {
    match properties.get(name)? {
        Value::Tagged(tagged) if tagged.tag.to_string().trim_start_matches('!') == "Ref" => tagged.value.as_str(),
        _ => None,
    }
}

/// `{ $.event.duration >= 0 }`, the one form that is needed.
fn member(pattern: &str) -> Option<Vec<String>> {
    let path = pattern.strip_prefix("{ $.")?.strip_suffix(" >= 0 }")?;
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    path.split('.').map(|name| is_name(name).then(|| name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_of_pattern_is_read_and_no_other() {
        assert_eq!(member("{ $.event.duration >= 0 }"), Some(vec!["event".to_owned(), "duration".to_owned()]));
        for refused in ["", "{ $.event.duration > 0 }", "{ $.a.. >= 0 }", "{ $.a >= 0 && $.b >= 0 }", "ERROR"] {
            assert_eq!(member(refused), None, "{refused}");
        }
    }

    #[test]
    fn usage_is_sent_the_log_of_every_function_but_its_own_and_that_of_the_forwarder() {
        let template = Template::deployed().unwrap();
        let subscriptions = template.subscriptions().unwrap();
        assert!(subscriptions.iter().all(|one| one.target == "Usage"));
        let mut sources: Vec<String> = subscriptions.into_iter().map(|one| one.source).collect();
        let mut functions = template.functions();
        functions.retain(|function| !["Usage", "TelemetryForwarder"].contains(&function.as_str()));
        sources.sort();
        functions.sort();
        assert_eq!(sources, functions);
    }

    #[test]
    fn a_subscription_that_is_not_understood_is_refused_by_its_name() {
        let text = "Resources:\n  Odd:\n    Type: AWS::Logs::SubscriptionFilter\n    Properties: { LogGroupName: !Ref NobodysLog, FilterPattern: \"\", DestinationArn: !Ref Usage.Alias }\n";
        let refused = Template::parse(text).unwrap().subscriptions().unwrap_err().to_string();
        assert!(refused.contains("Odd: no function's log"), "{refused}");
    }
}
