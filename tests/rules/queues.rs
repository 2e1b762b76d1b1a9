//! Nothing is lost without a trace: every queue that leads on has a queue for what fails, of its own kind, and every run that nobody
//! waits for is told of there when it fails; and whoever is to tell of it may. Queues take TLS alone.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource, lacks, names_in};
use super::statements::{Statement, statements_in};

pub fn queue_findings(deployed: &Deployed) -> Vec<String> {
    let queues = deployed.resources("AWS::SQS::Queue");
    let redrives = |queue: &Resource<'_>| queue.names(&["RedrivePolicy", "deadLetterTargetArn"]);
    let mut last: Vec<String> = queues.iter().flat_map(redrives).collect();
    last.extend(failure_queues(deployed));
    let mut findings = Vec::new();
    for queue in &queues {
        findings.extend(lacks(
            queue.id,
            &[
                ("the storage key", queue.names(&["KmsMasterKeyId"]) == ["StorageKey"]),
                ("a policy of TLS alone", takes_tls_alone(deployed, queue.id)),
            ],
        ));
        match (redrives(queue).is_empty(), last.iter().any(|id| id == queue.id)) {
            (true, false) => findings.push(format!("{} gives up its messages to no queue, and is no queue for such", queue.id)),
            (false, true) => findings.push(format!("{} is a queue for what was given up, and gives it up to another", queue.id)),
            _ => {}
        }
        for last in redrives(queue).iter().filter_map(|id| deployed.resource(id)) {
            // SQS refuses it, half way through a deployment.
            if keeps_order(queue) != keeps_order(&last) {
                findings.push(format!("one of {} and {} keeps an order, and the other does not", queue.id, last.id));
            }
        }
    }
    for function in deployed.functions() {
        for (_, event) in deployed.events(&function).iter().filter(|(kind, _)| *kind == "SQS") {
            findings.extend(taking_findings(deployed, &function, event));
        }
    }
    findings
}

/// Whether messages of a group come in the order in which they were sent.
fn keeps_order(queue: &Resource<'_>) -> bool {
    queue.property(&["FifoQueue"]).and_then(Value::as_bool) == Some(true)
}

/// Whether the one policy that a queue can have denies everything without TLS.
fn takes_tls_alone(deployed: &Deployed, queue: &str) -> bool {
    let is_of_queue = |policy: &Resource<'_>| policy.names(&["Queues"]).iter().any(|id| id == queue);
    let policies: Vec<_> = deployed.resources("AWS::SQS::QueuePolicy").into_iter().filter(is_of_queue).collect();
    let [policy] = policies.as_slice() else { return false };
    statements_in(*policy).iter().filter(|statement| !statement.allows && statement.is_about(queue)).any(|statement| {
        statement.demands("Bool", "aws:SecureTransport") == ["false"] && statement.actions == ["sqs:*"] && statement.principals == ["*"]
    })
}

/// Where schedules and runs that failed are told of.
fn failure_queues(deployed: &Deployed) -> Vec<String> {
    let mut queues = Vec::new();
    for function in deployed.functions() {
        queues.extend(on_failure(&function));
        queues.extend(deployed.events(&function).iter().flat_map(|(_, event)| names_in(at(event, &["DeadLetterConfig", "Arn"]))));
    }
    for rule in deployed.resources("AWS::Events::Rule") {
        let targets = rule.property(&["Targets"]).and_then(Value::as_sequence).into_iter().flatten();
        queues.extend(targets.flat_map(|target| names_in(at(target, &["DeadLetterConfig", "Arn"]))));
    }
    queues
}

fn on_failure(function: &Resource<'_>) -> Vec<String> {
    function.names(&["EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"])
}

/// A function that takes messages from a queue.
fn taking_findings(deployed: &Deployed, function: &Resource<'_>, event: &Value) -> Vec<String> {
    let id = function.id;
    let queue = names_in(at(event, &["Queue"])).pop().and_then(|queue| deployed.resource(&queue));
    let Some(queue) = queue else { return vec![format!("{id} takes messages from no queue of this stack")] };
    let timeout = deployed.setting(function, &["Timeout"]).and_then(Value::as_u64).unwrap_or_default();
    let hidden = queue.property(&["VisibilityTimeout"]).and_then(Value::as_u64).unwrap_or(30);
    let role = deployed.role_of(function).unwrap_or_default();
    let takes = |action: &str| deployed.may(&role, action, queue.id);
    let most = |value: Option<&Value>| value.and_then(|value| deployed.most(value));
    let (at_once, reserved) =
        (most(at(event, &["ScalingConfig", "MaximumConcurrency"])), most(deployed.setting(function, &["ReservedConcurrentExecutions"])));
    let mut findings = lacks(
        id,
        &[
            (
                "the right to take from its queue",
                ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"].into_iter().all(takes)
                    && opens_queues(deployed, &role),
            ),
            ("room for as many at once as its queue sends", at_once.zip(reserved).is_some_and(|(at_once, reserved)| at_once <= reserved)),
        ],
    );
    if hidden < timeout {
        findings.push(format!("{} hides a message for {hidden} s, and {id} may take {timeout} s", queue.id));
    }
    // A message that shows again while a throttled batch is tried anew is handed out twice, before those behind it.
    if keeps_order(&queue) && (timeout..6 * timeout).contains(&hidden) {
        findings.push(format!("{} keeps an order, and hides a message for less than six times the {timeout} s of {id}", queue.id));
    }
    if keeps_order(&queue) && at(event, &["MaximumBatchingWindowInSeconds"]).is_some() {
        findings.push(format!("{id} waits for more messages of {}, which Lambda refuses where an order is kept", queue.id));
    }
    findings
}

/// Whether whoever has the role can read and write what lies in queues.
fn opens_queues(deployed: &Deployed, role: &str) -> bool {
    let of_queues = |key: &str| {
        deployed.allowed_to(role).iter().any(|statement| {
            statement.grants(key)
                && statement.is_about("StorageKey")
                && statement.demands("StringEquals", "kms:ViaService").iter().any(|service| service.starts_with("sqs."))
        })
    };
    of_queues("kms:Decrypt") && of_queues("kms:GenerateDataKey")
}

pub fn schedule_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    for function in deployed.functions() {
        let nobody_waits: Vec<_> = deployed.events(&function).into_iter().filter(|(kind, _)| *kind != "SQS").collect();
        if nobody_waits.is_empty() {
            continue;
        }
        let role = deployed.role_of(&function).unwrap_or_default();
        let told = on_failure(&function);
        findings.extend(lacks(
            function.id,
            &[
                ("a queue that is told of a run that failed", !told.is_empty()),
                (
                    "the right to tell of a run that failed: Lambda does so in the function's role",
                    told.iter().all(|queue| deployed.may(&role, "sqs:SendMessage", queue)) && opens_queues(deployed, &role),
                ),
            ],
        ));
        for (kind, event) in nobody_waits {
            findings.extend(event_findings(deployed, &function, kind, event));
        }
    }
    findings
}

/// A schedule: it tries again, says where it gave up, and may do all that.
fn event_findings(deployed: &Deployed, function: &Resource<'_>, kind: &str, event: &Value) -> Vec<String> {
    let id = function.id;
    if kind != "ScheduleV2" {
        return vec![format!("{id} is started by {kind}, of which no rule knows what it must have")];
    }
    let number = |name: &str| at(event, &["RetryPolicy", name]).and_then(Value::as_u64).unwrap_or_default();
    let role = names_in(at(event, &["RoleArn"])).pop().unwrap_or_default();
    let told = names_in(at(event, &["DeadLetterConfig", "Arn"]));
    let starts =
        |statement: &Statement<'_>| statement.grants("lambda:InvokeFunction") && statement.resources.contains(&format!("{id}:live"));
    lacks(
        id,
        &[
            ("a schedule that tries again", number("MaximumRetryAttempts") > 0 && number("MaximumEventAgeInSeconds") > 0),
            ("a schedule that says where it gave up", !told.is_empty()),
            ("a schedule with the right to start it", deployed.allowed_to(&role).iter().any(starts)),
            (
                "a schedule with the right to say where it gave up",
                told.iter().all(|queue| deployed.may(&role, "sqs:SendMessage", queue)) && opens_queues(deployed, &role),
            ),
        ],
    )
}
