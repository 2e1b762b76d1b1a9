//! Every pattern of the front door leads to listed routes of its function and to nothing else, and no other pattern takes them away. What the
//! handlers demand is proved route by route, from the same lists and sample events (`template`); so here it is enough that nothing leads past
//! them.

use std::collections::BTreeSet;

use local::samples::{Sample, TokenKind};
use local::template::{RoutePattern, Template};

use super::deployed::Deployed;
use crate::template::{RIGHTS, listed, public_routes, route};

/// An app of the samples.
const APP: &str = "/test-management/";

/// A route by its sample event: the function that it is of, method and path.
struct Route {
    function: String,
    name: String,
    sample: Sample,
}

fn routes() -> Vec<Route> {
    let read = |sample: Sample| Route { function: sample.function.clone(), name: route(&sample), sample };
    Sample::all().unwrap().into_iter().map(read).collect()
}

/// The pattern that a path is led by: the first that covers it.
fn first<'p>(patterns: &'p [RoutePattern], path: &str) -> &'p RoutePattern {
    patterns.iter().find(|pattern| pattern.matches(path)).expect("the last pattern covers everything")
}

/// Promise A-43: no pattern opens a way to a function that no list says who may go. The last pattern is for what nobody knows, which is
/// answered 404.
pub fn right_findings(deployed: &Deployed) -> Vec<String> {
    let (patterns, routes) = (deployed.template.routes().unwrap(), routes());
    let mut findings = Vec::new();
    for pattern in named(&patterns) {
        let own = own(pattern, &routes);
        if own.is_empty() {
            let (pattern, function) = (&pattern.pattern, &pattern.function);
            findings
                .push(format!("{pattern} leads to {function}, and no such route of it is in tests/rights.txt or tests/public-routes.txt"));
        }
        for route in own {
            let is_public = public_routes().contains_key(route.name.as_str());
            if is_public == listed(RIGHTS).contains_key(route.name.as_str()) {
                findings.push(format!("{} stands in both lists of rights, or in none", route.name));
            }
            if is_public != (route.sample.token() == TokenKind::Public) {
                findings.push(format!("{} is public by one of its list and its sample event, and not by the other", route.name));
            }
        }
    }
    findings
}

/// All patterns but the last.
fn named(patterns: &[RoutePattern]) -> impl Iterator<Item = &RoutePattern> {
    patterns.iter().filter(|pattern| pattern.pattern != "*")
}

/// The routes of a pattern's function that it covers.
fn own<'r>(pattern: &RoutePattern, routes: &'r [Route]) -> Vec<&'r Route> {
    let function = Template::function_name(&pattern.function);
    routes.iter().filter(|route| route.function == function && pattern.matches(route.sample.path())).collect()
}

/// Whether a pattern covers no more than it must for this route: any app and this end, or whatever is below an end.
fn fits(pattern: &str, route: &Route) -> bool {
    let path = route.sample.path().replacen(APP, "/*/", 1);
    let above = pattern.strip_suffix('*').filter(|above| above.ends_with('/') && above.matches('/').count() > 2);
    path == pattern || above.is_some_and(|above| path.starts_with(above))
}

/// The first pattern that covers a path decides, so the deepest come first: none takes what is another's.
pub fn pattern_findings(deployed: &Deployed) -> Vec<String> {
    let (patterns, routes) = (deployed.template.routes().unwrap(), routes());
    let mut findings = Vec::new();
    for pattern in named(&patterns) {
        let own = own(pattern, &routes);
        if !own.is_empty() && !own.iter().any(|route| fits(&pattern.pattern, route)) {
            findings.push(format!("{} covers more than the routes of {} need", pattern.pattern, pattern.function));
        }
    }
    for route in &routes {
        let led = first(&patterns, route.sample.path());
        if Template::function_name(&led.function) != route.function {
            findings.push(format!("{} leads {} to {}, and it is a route of {}", led.pattern, route.name, led.function, route.function));
        }
    }
    // A setting or a file may be called like any route.
    let ends: BTreeSet<&str> = routes.iter().filter_map(|route| route.sample.path().strip_prefix(APP)?.split('/').next()).collect();
    for pattern in patterns.iter().filter(|pattern| pattern.pattern.ends_with("/*")) {
        for end in &ends {
            let path = format!("{}{end}", pattern.pattern.trim_end_matches('*').replacen("/*/", APP, 1));
            let led = first(&patterns, &path);
            if led.function != pattern.function {
                findings.push(format!("{} leads {path} to {}, and it is below {}", led.pattern, led.function, pattern.pattern));
            }
        }
    }
    for (position, pattern) in patterns.iter().enumerate() {
        // A letter that no pattern has stands for any text.
        let any = pattern.pattern.replace('*', "\u{1}");
        if let Some(before) = patterns[..position].iter().find(|before| before.matches(&any)) {
            findings.push(format!("{} is never reached: {} comes first", pattern.pattern, before.pattern));
        }
    }
    findings
}
