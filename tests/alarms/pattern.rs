//! Patterns of EventBridge, as far as our rules use them: read from a template with names as long as they may be, and held against events.

use local::template::{Template, at};
use serde_json::{Map, Value as Json, json};
use yaml_serde::Value;

/// As long as a stack's name may be: `backup-region.yaml` allows no longer one.
pub const STACK: &str = "lethe-production-in-a-european-region";

/// What the pseudo parameters and the parameters of both templates stand for.
const NAMES: [(&str, &str); 5] = [
    ("AWS::StackName", STACK),
    ("LiveStack", STACK),
    ("AWS::AccountId", "111122223333"),
    ("AWS::Region", "eu-central-1"),
    ("AWS::Partition", "aws"),
];

/// A rule that is held against calls.
pub struct Listener {
    /// Its logical id.
    pub id: String,
    /// Its pattern, as it is deployed.
    pub pattern: Json,
}

impl Listener {
    /// The rules of a template about what CloudTrail tells.
    pub fn all(template: &Template) -> Vec<Self> {
        let rules = template.resources("AWS::Events::Rule").into_iter();
        let read = rules.map(|(id, rule)| Self { pattern: at(&rule, &["Properties", "EventPattern"]).and_then(deployed).unwrap(), id });
        read.filter(|rule| rule.pattern["detail-type"] == json!(["AWS API Call via CloudTrail"])).collect()
    }

    /// Whether it lets this event through.
    pub fn hears(&self, event: &Json) -> bool {
        matches(&self.pattern, Some(event))
    }
}

/// What a reference becomes: `WrappingKey.Arn`, `PageRole.RoleId`, `SealedBucket`, `AWS::Region`.
pub fn physical(name: &str) -> String {
    if let Some((_, value)) = NAMES.iter().find(|(known, _)| *known == name) {
        return (*value).to_owned();
    }
    let filled = |id: &str, length: usize| id.to_uppercase().chars().chain("0".repeat(length).chars()).take(length).collect::<String>();
    match name.split_once('.') {
        Some((id, "RoleId")) => format!("AROA{}", filled(id, 17)),
        Some((id, "Arn")) => format!("arn:aws:kms:eu-central-1:111122223333:key/mrk-{}", filled(id, 32)),
        Some(_) => panic!("{name} is not read here"),
        None if name.ends_with("Topic") => format!("arn:aws:sns:eu-central-1:111122223333:{STACK}-alarms"),
        None => format!("{STACK}-{name}-1A2B3C4D5E6F").to_lowercase(),
    }
}

/// A text with what it refers to in its place.
pub fn filled(text: &str) -> String {
    let mut parts = text.split("${");
    let mut done = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        done.push_str(&physical(name));
        done.push_str(rest);
    }
    done
}

/// What a piece of a template is once it is deployed, with every condition true; nothing, if it is no value.
fn deployed(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Tagged(tagged) => {
            let text = tagged.value.as_str();
            match (tagged.tag.to_string().trim_start_matches('!'), text) {
                ("Ref", Some("AWS::NoValue")) => return None,
                ("Ref" | "GetAtt", Some(name)) => Json::String(physical(name)),
                ("Sub", Some(text)) => Json::String(filled(text)),
                ("If", None) => return deployed(&tagged.value[1]),
                (tag, _) => panic!("{tag} is not read here"),
            }
        }
        Value::Mapping(members) => {
            let read = |(name, member): (&Value, &Value)| Some((name.as_str()?.to_owned(), deployed(member)?));
            Json::Object(members.iter().filter_map(read).collect::<Map<_, _>>())
        }
        Value::Sequence(items) => Json::Array(items.iter().filter_map(deployed).collect()),
        Value::String(text) => Json::String(text.clone()),
        Value::Bool(is) => Json::Bool(*is),
        other => panic!("{other:?} is not read here"),
    })
}

/// A pattern against what lies at its place; in a list, one that matches is enough.
fn matches(pattern: &Json, found: Option<&Json>) -> bool {
    if let Some(Json::Array(items)) = found {
        return items.iter().any(|item| matches(pattern, Some(item)));
    }
    match pattern {
        Json::Object(members) => members.iter().all(|(name, wanted)| match (name.as_str(), wanted) {
            ("$or", Json::Array(ways)) => ways.iter().any(|way| matches(way, found)),
            _ => matches(wanted, found.and_then(|found| found.get(name))),
        }),
        Json::Array(tests) => tests.iter().any(|test| passes(test, found)),
        other => panic!("{other} is no pattern"),
    }
}

/// What a leaf demands. Whatever is not there fails every test but the one for that: `anything-but`, too.
fn passes(test: &Json, found: Option<&Json>) -> bool {
    let Json::Object(operator) = test else { return found == Some(test) };
    let (name, operand) = operator.iter().next().unwrap();
    let text = found.and_then(Json::as_str);
    match (name.as_str(), operand) {
        ("exists", Json::Bool(is)) => found.is_some() == *is,
        ("prefix", Json::String(begin)) => text.is_some_and(|text| text.starts_with(begin.as_str())),
        ("anything-but", Json::String(not)) => text.is_some_and(|text| text != not),
        ("anything-but", Json::Array(not)) => found.is_some_and(|found| !not.contains(found)),
        _ => panic!("{test} is an operator that is not read here"),
    }
}

#[test]
fn a_pattern_finds_what_eventbridge_would_find() {
    let finds = |pattern: Json, event: Json| matches(&pattern, Some(&event));
    let but = json!({"by": [{"anything-but": ["aws"]}]});
    assert!(finds(but.clone(), json!({"by": "somebody"})));
    assert!(!finds(but.clone(), json!({"by": "aws"})));
    assert!(!finds(but, json!({})));
    let gone = json!({"who": {"by": [{"exists": false}]}});
    assert!(finds(gone.clone(), json!({"who": {}})) && finds(gone.clone(), json!({})));
    assert!(!finds(gone, json!({"who": {"by": "aws"}})));
    let either = json!({"of": ["us"], "$or": [{"a": [{"prefix": "x"}]}, {"b": [true]}]});
    assert!(finds(either.clone(), json!({"of": "us", "a": ["y", "xy"]})));
    assert!(finds(either.clone(), json!({"of": "us", "a": "y", "b": true})));
    assert!(!finds(either.clone(), json!({"of": "us", "a": "y", "b": false})));
    assert!(!finds(either, json!({"of": "them", "b": true})));
}
