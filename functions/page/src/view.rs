//! The page itself, field by field: nothing secret can slip in by being part of the account.

use askama::Template;
use shared::connect::catalogue::App;
use shared::platform::config::Config;
use shared::platform::sinks::{Dsn, Sinks};
use shared::problem::{Problem, Refusal};
use shared::records::retention;
use shared::tenant::account::Entitlement;
use shared::tenant::{Account, Standing, Tenant};

use crate::asset;
use crate::day::{Day, days};
use crate::holding::{Holding, holdings};
use crate::limits::Limits;

/// What the user may do, as the site says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Read and write what is set in the app.
    Administers,
    /// Read it.
    Reads,
    /// The site does not say, so: read it.
    Unknown,
}

impl Rights {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Administers => "true",
            Self::Reads => "false",
            Self::Unknown => "unknown",
        }
    }
}

/// What the template shows.
#[derive(Template)]
#[template(path = "page.html")]
pub(crate) struct View<'a> {
    app_name: &'a str,
    may_administer: &'static str,
    page_token: &'a str,
    reports: Reports<'a>,
    bridge: &'a str,
    script_version: String,
    style_version: String,
    holdings: Vec<Holding>,
    limits: Limits,
    region: &'a str,
    place: Option<&'static str>,
    leaving: Leaving,
    installation: Installation<'a>,
}

/// What the page is to report of itself.
#[derive(Clone, Copy)]
struct Reports<'a> {
    /// What nobody caught, for this project of Sentry's.
    errors_to: Option<&'a str>,
    /// That it was seen.
    views: bool,
}

/// What would follow if the app were removed today.
struct Leaving {
    today: Day,
    grace_days: u64,
    kept_until: Day,
    deadline_days: u64,
    gone_by: Day,
}

/// The facts of the installation.
struct Installation<'a> {
    site: &'a str,
    shown_as: Option<&'a str>,
    since: Day,
    /// Which of its lives this is, if not the first.
    later_life: Option<u64>,
    enabled: bool,
    /// For administrators alone.
    contract: Option<Vec<(&'static str, &'a str)>>,
}

impl<'a> View<'a> {
    /// The page of a tenant.
    pub(crate) fn of(tenant: &'a Tenant, config: &'a Config, rights: Rights, page_token: &'a str, now: i64) -> Self {
        let installation = Installation::of(tenant.account(), tenant.standing(), rights);
        let (bridge, reports) = (config.bridge_script_url.as_str(), Reports::to(&config.sinks));
        Self { reports, ..Self::assemble(tenant.app(), bridge, &config.region, installation, rights, page_token, now) }
    }

    /// Of a page that reports nothing.
    fn assemble(
        app: &'a App,
        bridge: &'a str,
        region: &'a str,
        installation: Installation<'a>,
        rights: Rights,
        page_token: &'a str,
        now: i64,
    ) -> Self {
        Self {
            app_name: app.name,
            may_administer: rights.attribute(),
            page_token,
            reports: Reports { errors_to: None, views: false },
            bridge,
            script_version: asset::SCRIPT.version(),
            style_version: asset::STYLE.version(),
            holdings: holdings(),
            limits: Limits::of(app.attachments),
            region,
            place: place(region),
            leaving: Leaving::on(now),
            installation,
        }
    }

    /// As HTML.
    ///
    /// # Errors
    /// 500 if the template fails.
    pub(crate) fn html(&self) -> Result<String, Problem> {
        self.render().map_err(|_| Problem::new(Refusal::Internal, "cannot write the page"))
    }
}

impl<'a> Reports<'a> {
    /// Only what goes on to somebody.
    fn to(sinks: &'a Sinks) -> Self {
        Self { errors_to: sinks.sentry.as_ref().map(Dsn::as_str), views: sinks.ga4.is_some() }
    }
}

impl Leaving {
    fn on(now: i64) -> Self {
        Self {
            today: Day::of(now),
            grace_days: days(retention::GRACE),
            kept_until: Day::after(now, retention::GRACE),
            deadline_days: days(retention::DEADLINE),
            gone_by: Day::after(now, retention::DEADLINE),
        }
    }
}

impl<'a> Installation<'a> {
    fn of(account: &'a Account, standing: &Standing, rights: Rights) -> Self {
        Self {
            site: &account.base_url,
            shown_as: account.display_url.as_deref().filter(|shown| *shown != account.base_url),
            since: Day::of(standing.installed_at),
            later_life: (standing.epoch > 1).then_some(standing.epoch),
            enabled: standing.enabled,
            contract: (rights == Rights::Administers).then(|| contract(&account.entitlement)),
        }
    }
}

/// The contract's numbers that Atlassian has sent.
fn contract(entitlement: &Entitlement) -> Vec<(&'static str, &str)> {
    [
        ("Entitlement number", &entitlement.entitlement_number),
        ("Entitlement id", &entitlement.entitlement_id),
        ("Service entitlement number", &entitlement.service_entitlement_number),
    ]
    .into_iter()
    .filter_map(|(name, number)| Some((name, number.as_deref()?)))
    .collect()
}

/// Where a region of AWS lies (promise A-34 names those that we are in).
/// Source: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>.
fn place(region: &str) -> Option<&'static str> {
    match region {
        "eu-west-1" => Some("Ireland"),
        "eu-west-2" => Some("London, United Kingdom"),
        "us-east-1" => Some("Virginia, United States"),
        "us-west-2" => Some("Oregon, United States"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use shared::connect::catalogue::Catalogue;

    use super::*;

    const NOW: i64 = 1_795_348_800;

    fn installation(rights: Rights) -> Installation<'static> {
        Installation {
            site: "https://acme.atlassian.net",
            shown_as: Some("https://jira.acme.example"),
            since: Day::of(NOW - 86_400),
            later_life: None,
            enabled: true,
            contract: (rights == Rights::Administers).then(|| vec![("Entitlement number", "E-100-200-300")]),
        }
    }

    fn html_of(installation: Installation<'_>, rights: Rights) -> String {
        let bridge = "https://bridge.example/all.js";
        let app = Catalogue::hosted().find("test-management").unwrap();
        View::assemble(app, bridge, "eu-west-1", installation, rights, "page.token", NOW).html().unwrap()
    }

    fn html(rights: Rights) -> String {
        html_of(installation(rights), rights)
    }

    #[test]
    fn what_others_wrote_is_text() {
        let odd = "\"><script>alert(1)</script>";
        let contract = Some(vec![("Entitlement number", odd)]);
        let html = html_of(Installation { site: odd, shown_as: Some(odd), contract, ..installation(Rights::Reads) }, Rights::Reads);
        assert!(!html.contains("<script>") && !html.contains("alert(1)</script>"));
        assert_eq!(html.matches("&#60;script&#62;").count(), 3);
    }

    #[test]
    fn only_what_goes_on_to_somebody_is_reported() {
        let app = Catalogue::hosted().find("test-management").unwrap();
        let html = |reports| {
            let page =
                View::assemble(app, "https://bridge.example/all.js", "eu-west-1", installation(Rights::Reads), Rights::Reads, "t", NOW);
            View { reports, ..page }.html().unwrap()
        };
        let off = html(Reports::to(&Sinks { sentry: None, ga4: None, datadog: None }));
        assert!(!off.contains("lethe-browser-errors") && !off.contains("lethe-page-views"));
        let errors = html(Reports { errors_to: Some("https://key@sentry.example/1"), views: false });
        assert!(errors.contains("<meta name=\"lethe-browser-errors\" content=\"https://key@sentry.example/1\">"), "{errors}");
        assert!(!errors.contains("lethe-page-views"));
        let views = html(Reports { errors_to: None, views: true });
        assert!(views.contains("<meta name=\"lethe-page-views\" content=\"true\">") && !views.contains("lethe-browser-errors"));
    }

    #[test]
    fn nothing_runs_inline_and_nothing_is_styled_inline() {
        for rights in [Rights::Administers, Rights::Reads, Rights::Unknown] {
            let html = html(rights);
            assert_eq!(html.matches("<script").count(), 2);
            assert!(html.contains("<script src=\"https://bridge.example/all.js\" data-options=\"sizeToParent:false\"></script>"));
            assert!(html.contains(&format!("<script src=\"page.js?v={}\" defer></script>", asset::SCRIPT.version())));
            for absent in ["<style", "style=", " onclick", " onload", "javascript:"] {
                assert!(!html.contains(absent), "{absent}");
            }
        }
    }

    #[test]
    fn the_editor_and_the_contract_are_for_administrators_alone() {
        let (admins, members, unknown) = (html(Rights::Administers), html(Rights::Reads), html(Rights::Unknown));
        for theirs in ["<form id=\"editor\"", "E-100-200-300"] {
            assert!(admins.contains(theirs) && !members.contains(theirs) && !unknown.contains(theirs), "{theirs}");
        }
        assert!(admins.contains("data-may-administer=\"true\"") && members.contains("data-may-administer=\"false\""));
        assert!(unknown.contains("data-may-administer=\"unknown\"") && unknown.contains("did not say whether you administer it"));
    }

    #[test]
    fn the_dates_count_from_today() {
        let html = html(Rights::Reads);
        for date in ["2026-11-22\">22 November 2026<", "2027-03-12\">12 March 2027<", "2027-05-21\">21 May 2027<"] {
            assert!(html.contains(date), "{date}");
        }
    }

    #[test]
    fn only_a_later_life_is_counted() {
        assert!(!html(Rights::Reads).contains("Installed anew"));
        let later = Installation { later_life: Some(2), enabled: false, ..installation(Rights::Reads) };
        let html = html_of(later, Rights::Reads);
        assert!(html.contains("Installed anew") && html.contains("Switched off"));
    }

    #[test]
    fn whoever_sees_the_page_may_attach_within_the_apps_limits() {
        for rights in [Rights::Administers, Rights::Reads, Rights::Unknown] {
            let html = html(rights);
            assert!(html.contains("<input id=\"file\" type=\"file\" multiple aria-describedby=\"file-hint\" data-largest=\"5368709120\">"));
            assert!(html.contains("A file may have 5 GiB at most, all files of the site 500 GiB together, and there may be 100,000."));
            assert!(html.contains("A file of more than 4 MiB arrives"));
        }
    }

    /// What reports errors weighs two and a half of them.
    #[test]
    fn page_script_and_style_together_weigh_less_than_57_kilobytes() {
        assert!(html(Rights::Administers).len() + asset::SCRIPT.len() + asset::STYLE.len() < 57 * 1024);
    }
}
