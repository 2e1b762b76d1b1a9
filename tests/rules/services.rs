//! Each service alone touches what it keeps (promise A-42); whoever else does is named here, with what for.

use super::deployed::Deployed;

/// What a service keeps, its own functions, and the others that may come near, each with what for.
struct Service {
    keeps: &'static [&'static str],
    own: &'static [&'static str],
    others: &'static [(&'static str, &'static str)],
}

const PURGES: (&str, &str) = ("PurgeWorker", "deletes what is left of a tenant whose keys are gone, and reads none of it");
const COUNTS: (&str, &str) = ("Erasure", "counts what a purge will delete, and reads none of it");

const SERVICES: &[Service] = &[
    Service {
        keeps: &["ConfigurationTable"],
        own: &["Configuration"],
        others: &[
            ("Webhooks", "reads which projects and fields of issues are selected, in the call that finds the tenant"),
            ("IssueCopies", "reads the same again, before and after it has kept something, and takes back what is no longer selected"),
            ("IssueCopiesRead", "reads the same, so that it shows nothing that was taken out of it"),
            PURGES,
            COUNTS,
        ],
    },
    Service {
        keeps: &["AttachmentsTable", "SealedBucket", "IncomingBucket", "ArrivalQueue", "AttachmentDeadLetters"],
        own: &["Attachments", "AttachmentSeal", "AttachmentReconcile"],
        others: &[PURGES, COUNTS],
    },
    Service { keeps: &["LicencesTable"], own: &["Dormant"], others: &[PURGES, COUNTS] },
    Service {
        keeps: &["IssueCopiesTable", "IssueEventsQueue", "IssueEventsDeadLetters"],
        own: &["Webhooks", "IssueCopies", "IssueCopiesRead", "IssueCopiesSweep"],
        others: &[("Configuration", "tells that the selection of issues has changed"), PURGES, COUNTS],
    },
    Service {
        keeps: &["TelemetryQueue", "TelemetryDeadLetters"],
        own: &["PageViews", "BrowserErrors", "TelemetryForwarder"],
        others: &[("Usage", "sends the sums of a minute on their way")],
    },
    Service { keeps: &["UsageTable"], own: &["Usage", "UsageReport"], others: &[] },
    Service {
        keeps: &["UsageSaltsTable"],
        own: &["Usage", "UsageSalts"],
        others: &[("UsageReport", "sees that a day's salt is gone, before it tells of the day")],
    },
    Service { keeps: &["AuditTable"], own: &["Erasure", "UsageReport"], others: &[] },
    Service {
        keeps: &["DeparturesTable"],
        own: &["Installed", "Uninstalled", "Purge", "PurgeWorker", "Erasure", "Dormant", "Doubtful"],
        others: &[("RestoreFilter", "asks who has left before it lets a restored table be used")],
    },
    Service { keeps: &["PurgeQueue", "PurgeDeadLetters"], own: &["Purge", "PurgeWorker"], others: &[] },
    Service {
        keeps: &["FailedRuns"],
        own: &["AttachmentReconcile", "IssueCopiesSweep", "Purge", "Dormant", "Doubtful", "Usage", "UsageSalts"],
        others: &[],
    },
    // Whoever must know who calls may find a tenant; only these move one.
    Service {
        keeps: &["TenantsTable", "TenantKeysTable"],
        own: &["Installed", "Enabled", "Disabled", "Uninstalled", "Purge", "PurgeWorker", "Erasure", "Dormant", "Doubtful"],
        others: &[("RestoreFilter", "asks who is here before it lets a restored table be used")],
    },
];

/// What finds a tenant, and changes nothing.
const FINDS: [&str; 2] = ["dynamodb:BatchGetItem", "dynamodb:GetItem"];

pub fn service_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    for function in deployed.functions() {
        let role = deployed.role_of(&function).unwrap_or_default();
        for statement in deployed.allowed_to(&role) {
            for service in SERVICES {
                let is_listed = service.own.contains(&function.id) || service.others.iter().any(|(other, _)| *other == function.id);
                let of_tenants = service.keeps.contains(&"TenantsTable");
                let finds = of_tenants && statement.actions.iter().all(|action| FINDS.contains(&action.as_str()));
                let touched = service.keeps.iter().filter(|kept| !is_listed && !finds && statement.is_about(kept));
                findings.extend(touched.map(|kept| format!("{} touches {kept}, which another service keeps", function.id)));
            }
        }
    }
    for kind in ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"] {
        let kept = |id: &str| SERVICES.iter().any(|service| service.keeps.contains(&id)) || NOBODYS.contains(&id);
        let unlisted = deployed.resources(kind).into_iter().filter(|resource| !kept(resource.id));
        findings.extend(unlisted.map(|resource| format!("{} is kept by no service", resource.id)));
    }
    findings
}

/// What no function touches.
const NOBODYS: [&str; 1] = ["UndeliveredBucket"];

#[test]
fn whoever_is_listed_beside_a_service_is_needed() {
    let deployed = Deployed::here();
    for service in SERVICES {
        for listed in service.own.iter().chain(service.others.iter().map(|(other, _)| other)) {
            let role = format!("{listed}Role");
            let touches = |kept: &str| deployed.allowed_to(&role).iter().any(|statement| statement.is_about(kept));
            assert!(service.keeps.iter().any(|kept| touches(kept)), "{listed} touches nothing of {:?}", service.keeps);
        }
    }
}
