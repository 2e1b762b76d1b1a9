//! What must hold of the templates, as rules: each is a function that reads what is deployed and names whatever is wrong with it, in words
//! that name the resource and the fault. The templates of the repository have no fault, and [`faults`] holds each rule against ones that have.

mod addresses;
pub mod backup_windows;
pub mod backups;
mod deployed;
mod deployments;
mod faults;
mod front_door;
mod functions;
pub mod jurisdictions;
mod key_openers;
pub mod key_policies;
mod key_use;
mod matrix;
mod places;
mod queues;
mod roles;
mod routes;
mod salts;
mod services;
mod statements;
mod stores;
pub mod subscriptions;
mod telling;
mod urls;
mod wildcards;

pub use deployed::Deployed;

/// Names what is wrong.
pub type Rule = fn(&Deployed) -> Vec<String>;

/// All rules, by the names that faults call them by.
pub const RULES: &[(&str, Rule)] = &[
    ("wildcards", wildcards::wildcard_findings),
    ("key use", key_use::key_use_findings),
    ("roles", roles::role_findings),
    ("services", services::service_findings),
    ("functions", functions::function_findings),
    ("concurrency", functions::concurrency_findings),
    ("logs", functions::log_findings),
    ("queues", queues::queue_findings),
    ("schedules", queues::schedule_findings),
    ("urls", urls::url_findings),
    ("rights", routes::right_findings),
    ("patterns", routes::pattern_findings),
    ("front door", front_door::front_door_findings),
    ("tables", stores::table_findings),
    ("backups", backups::backup_findings),
    ("jurisdictions", jurisdictions::jurisdiction_findings),
    ("key policies", key_policies::key_policy_findings),
    ("buckets", stores::bucket_findings),
    ("listeners", places::listener_findings),
    ("regions", places::region_findings),
    ("addresses", addresses::address_findings),
    ("deployments", deployments::deployment_findings),
    ("telling", telling::telling_findings),
    ("subscriptions", subscriptions::subscription_findings),
    ("salts", salts::salt_findings),
];

/// What every rule says that has something to say.
pub fn findings(deployed: &Deployed) -> Vec<(&'static str, Vec<String>)> {
    let all = RULES.iter().map(|(name, rule)| (*name, rule(deployed)));
    all.filter(|(_, findings)| !findings.is_empty()).collect()
}

#[test]
fn the_deployed_templates_break_no_rule() {
    let findings = findings(&Deployed::here());
    assert!(findings.is_empty(), "{findings:#?}");
}
