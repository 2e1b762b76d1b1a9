//! `template.yaml` as the local host and the tests read it: it is the list of what there is. Functions, the patterns that lead to them, their
//! environment, triggers, tables and permissions come from there and from nowhere else.

use std::collections::BTreeMap;

use yaml_serde::Value;

use crate::aws::{BucketSpec, TableSpec};

mod bucket;
mod pattern;
mod queue;
mod schedule;
mod subscription;
mod table;
mod trigger;

pub use bucket::bucket_name;
pub use pattern::RoutePattern;
pub(crate) use pattern::matches;
pub use schedule::Schedule;
pub use subscription::Subscription;
pub use trigger::{QueueTrigger, Rule};

/// The template as it is deployed.
const TEXT: &str = include_str!("../../../template.yaml");

/// The template, parsed.
#[derive(Clone, Debug)]
pub struct Template {
    root: Value,
}

/// One statement of a function's own role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What the statement calls itself.
    pub sid: String,
    /// The actions, as IAM names them.
    pub actions: Vec<String>,
    /// The logical ids of the resources, or the literal where it is one.
    pub resources: Vec<String>,
}

/// The statements of a role that Lambda uses in the function's name: its log, its queue, and where it tells of runs that failed.
const ASKED_BY_LAMBDA: [&str; 3] = ["WriteLog", "TakeFromTheQueue", "TellOfAFailedRun"];

impl Grant {
    fn read(statement: &Value) -> Self {
        let sid = text(statement, "Sid").unwrap_or_default().to_owned();
        Self { sid, actions: texts(at(statement, &["Action"])), resources: texts(at(statement, &["Resource"])) }
    }
}

/// The template is not what this reader takes it for.
#[derive(Debug, thiserror::Error)]
#[error("cannot read template.yaml: {0}")]
pub struct TemplateFault(String);

impl Template {
    /// The template that this program was built with.
    ///
    /// # Errors
    /// If it is not YAML.
    pub fn deployed() -> Result<Self, TemplateFault> {
        Self::parse(TEXT)
    }

    /// A template from its text.
    ///
    /// # Errors
    /// If it is not YAML.
    pub fn parse(text: &str) -> Result<Self, TemplateFault> {
        let root = yaml_serde::from_str(text).map_err(|fault| TemplateFault(fault.to_string()))?;
        Ok(Self { root })
    }

    /// The logical ids of all functions.
    #[must_use]
    pub fn functions(&self) -> Vec<String> {
        self.resources("AWS::Serverless::Function").into_iter().map(|(id, _)| id).collect()
    }

    /// The logical ids of those that only operators call: IAM lets nobody else in.
    #[must_use]
    pub fn operators(&self) -> Vec<String> {
        let auth = |function: &Value| at(function, &["Properties", "FunctionUrlConfig", "AuthType"])?.as_str().map(ToOwned::to_owned);
        let functions = self.resources("AWS::Serverless::Function").into_iter();
        functions.filter(|(_, function)| auth(function).as_deref() == Some("AWS_IAM")).map(|(id, _)| id).collect()
    }

    /// What a function is called everywhere but in the template: folder, crate, binary, log, events.
    #[must_use]
    pub fn function_name(logical_id: &str) -> String {
        let mut name = String::new();
        for letter in logical_id.chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// The patterns of the front door in its order, the default (`*`) last.
    ///
    /// # Errors
    /// If there is no distribution of the expected shape.
    pub fn routes(&self) -> Result<Vec<RoutePattern>, TemplateFault> {
        let fault = || TemplateFault("no front door".to_owned());
        let distributions = self.resources("AWS::CloudFront::Distribution");
        let (_, door) = distributions.first().ok_or_else(fault)?;
        let config = at(door, &["Properties", "DistributionConfig"]).ok_or_else(fault)?;
        let behaviours = at(config, &["CacheBehaviors"]).and_then(Value::as_sequence).ok_or_else(fault)?;
        let target = |behaviour: &Value| at(behaviour, &["TargetOriginId"]).and_then(Value::as_str).map(ToOwned::to_owned);
        let mut routes = Vec::new();
        for behaviour in behaviours {
            let pattern = at(behaviour, &["PathPattern"]).and_then(Value::as_str).ok_or_else(fault)?.to_owned();
            routes.push(RoutePattern { pattern, function: target(behaviour).ok_or_else(fault)? });
        }
        let default = at(config, &["DefaultCacheBehavior"]).and_then(target).ok_or_else(fault)?;
        routes.push(RoutePattern { pattern: "*".to_owned(), function: default });
        Ok(routes)
    }

    /// All tables. Locally, a table's physical name is its logical id.
    ///
    /// # Errors
    /// If a table is not of the expected shape.
    pub fn tables(&self) -> Result<Vec<TableSpec>, TemplateFault> {
        self.resources("AWS::DynamoDB::Table").iter().map(|(id, table)| table::table_spec(id, table)).collect()
    }

    /// All buckets, for pages of this origin.
    ///
    /// # Errors
    /// If a bucket is not of the expected shape.
    pub fn buckets(&self, pages: &str) -> Result<Vec<BucketSpec>, TemplateFault> {
        self.resources("AWS::S3::Bucket").iter().map(|(id, bucket)| bucket::bucket_spec(id, bucket, pages)).collect()
    }

    /// Whether a function's answers are streams.
    #[must_use]
    pub fn streams(&self, function: &str) -> bool {
        let mode = at(&self.root, &["Resources", function, "Properties", "FunctionUrlConfig", "InvokeMode"]);
        mode.and_then(Value::as_str) == Some("RESPONSE_STREAM")
    }

    /// A function's environment, the template's functions resolved: parameters by `parameter`, resources by `resource`, which is given the
    /// logical id and the attribute (`Ref` for a reference).
    ///
    /// # Errors
    /// If a value holds something that is not a text, a reference, an attribute or a substitution.
    pub fn environment(
        &self,
        function: &str,
        parameter: &dyn Fn(&str) -> Option<String>,
        resource: &dyn Fn(&str, &str) -> Option<String>,
    ) -> Result<BTreeMap<String, String>, TemplateFault> {
        let global = at(&self.root, &["Globals", "Function", "Environment", "Variables"]);
        let own = at(&self.root, &["Resources", function, "Properties", "Environment", "Variables"]);
        let mut environment = BTreeMap::new();
        let default = |name: &str| self.parameter_default(name);
        let known = |name: &str| parameter(name).or_else(|| default(name));
        for variables in [global, own].into_iter().flatten().filter_map(Value::as_mapping) {
            for (name, value) in variables {
                let name = name.as_str().ok_or_else(|| TemplateFault(format!("{function}: a variable without a name")))?;
                let value =
                    resolve(value, &known, resource).ok_or_else(|| TemplateFault(format!("{function}: {name} does not resolve")))?;
                environment.insert(name.to_owned(), value);
            }
        }
        Ok(environment)
    }

    /// What a function's own role lets the function do.
    #[must_use]
    pub fn grants(&self, function: &str) -> Vec<Grant> {
        self.granted(function).into_iter().filter(|grant| !ASKED_BY_LAMBDA.contains(&grant.sid.as_str())).collect()
    }

    /// What a function's own role lets Lambda do around the function.
    #[must_use]
    pub fn grants_to_lambda(&self, function: &str) -> Vec<Grant> {
        self.granted(function).into_iter().filter(|grant| ASKED_BY_LAMBDA.contains(&grant.sid.as_str())).collect()
    }

    fn granted(&self, function: &str) -> Vec<Grant> {
        self.statements(function).iter().map(Grant::read).collect()
    }

    /// The statements of a function's own role, as they stand.
    #[must_use]
    pub fn statements(&self, function: &str) -> Vec<Value> {
        let role = format!("{function}Role");
        let policies = at(&self.root, &["Resources", &role, "Properties", "Policies"]).and_then(Value::as_sequence);
        let documents = policies.into_iter().flatten().filter_map(|policy| at(policy, &["PolicyDocument", "Statement"])?.as_sequence());
        documents.flatten().cloned().collect()
    }

    fn parameter_default(&self, name: &str) -> Option<String> {
        let default = at(&self.root, &["Parameters", name, "Default"])?;
        default.as_str().map(ToOwned::to_owned).or_else(|| default.as_i64().map(|number| number.to_string()))
    }

    /// The resources of one type, in the template's order, by logical id.
    #[must_use]
    pub fn resources(&self, kind: &str) -> Vec<(String, Value)> {
        let all = at(&self.root, &["Resources"]).and_then(Value::as_mapping);
        let named = all.into_iter().flatten().filter_map(|(id, resource)| Some((id.as_str()?.to_owned(), resource.clone())));
        named.filter(|(_, resource)| at(resource, &["Type"]).and_then(Value::as_str) == Some(kind)).collect()
    }
}

/// What lies under these names, one in the other.
#[must_use]
pub fn at<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().try_fold(value, |value, name| value.get(name))
}

/// `!GetAtt Table.Arn` and `!Ref Table` as the logical id, `!Sub "${Bucket.Arn}/*"` as the logical id and what follows, anything else as its
/// text.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Sequence(values)) => values.iter().flat_map(|value| texts(Some(value))).collect(),
        Some(Value::Tagged(tagged)) => {
            let text = tagged.value.as_str().unwrap_or_default();
            match text.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}")) {
                Some((id, rest)) => vec![format!("{id}{rest}")],
                None => vec![text.split('.').next().unwrap_or_default().to_owned()],
            }
        }
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;
type Attribute<'l> = &'l dyn Fn(&str, &str) -> Option<String>;

fn resolve(value: &Value, parameter: Lookup<'_>, resource: Attribute<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Tagged(tagged) => {
            let text = tagged.value.as_str()?;
            match tagged.tag.to_string().trim_start_matches('!') {
                "Ref" => parameter(text).or_else(|| resource(text, "Ref")),
                "GetAtt" => text.split_once('.').and_then(|(id, attribute)| resource(id, attribute)),
                "Sub" => substitute(text, parameter, resource),
                _ => None,
            }
        }
        _ => None,
    }
}

fn substitute(text: &str, parameter: Lookup<'_>, resource: Attribute<'_>) -> Option<String> {
    let mut pieces = text.split("${");
    let mut whole = pieces.next()?.to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}')?;
        let value = match name.split_once('.') {
            Some((id, attribute)) => resource(id, attribute),
            None => parameter(name).or_else(|| resource(name, "Ref")),
        };
        whole.push_str(&value?);
        whole.push_str(rest);
    }
    Some(whole)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Key;

    #[test]
    fn a_logical_id_is_the_name_in_pascal_case() {
        assert_eq!(Template::function_name("Installed"), "installed");
        assert_eq!(Template::function_name("PurgeWorker"), "purge-worker");
    }

    #[test]
    fn the_deployed_template_is_read_whole() {
        let template = Template::deployed().unwrap();
        assert!(template.functions().contains(&"Installed".to_owned()));
        assert_eq!(template.routes().unwrap().last().map(|route| route.pattern.clone()), Some("*".to_owned()));
        let tables = template.tables().unwrap();
        let departures = tables.iter().find(|table| table.name == "DeparturesTable").unwrap();
        assert_eq!(departures.indexes.len(), 1);
        assert_eq!(departures.sort_key, Some(Key::string("tenant_id")));
    }

    #[test]
    fn buckets_are_read_with_what_ends_in_them() {
        let buckets = Template::deployed().unwrap().buckets("http://127.0.0.1:8080").unwrap();
        let incoming = buckets.iter().find(|bucket| bucket.name == "incoming-bucket").unwrap();
        assert!(incoming.notifies && !incoming.versioned);
        assert_eq!(incoming.lifecycle.first().and_then(|rule| rule.expire_after_days), Some(1));
        assert_eq!(incoming.cors.as_ref().map(|cors| cors.allowed_origins.clone()), Some(vec!["http://127.0.0.1:8080".to_owned()]));
        assert!(buckets.iter().any(|bucket| bucket.name == "sealed-bucket" && bucket.versioned && bucket.cors.is_none()));
    }

    #[test]
    fn substitutions_are_resolved_from_parameters_and_resources() {
        let parameter = |name: &str| (name == "Domain").then(|| "lethe.example".to_owned());
        let resource = |id: &str, attribute: &str| Some(format!("{id}/{attribute}"));
        let whole = substitute("https://${Domain}/${Table}/${Key.Arn}", &parameter, &resource);
        assert_eq!(whole.as_deref(), Some("https://lethe.example/Table/Ref/Key/Arn"));
        assert_eq!(substitute("${Unknown}", &|_| None, &|_, _| None), None);
    }
}
