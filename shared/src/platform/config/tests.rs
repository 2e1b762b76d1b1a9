//! Reading the environment: what is complete, what is missing, and what is not of its form.

use super::*;

fn complete(variable: &str) -> Option<String> {
    let value = match variable {
        "LETHE_PUBLIC_URL" => "https://eu.lethe.example",
        "LETHE_REGION_BASE_URLS" => r#"{"EU":"https://eu.lethe.example","US":"https://us.lethe.example"}"#,
        "LETHE_ORIGIN_SECRETS" => "0123456789abcdef0123456789abcdef, fedcba9876543210fedcba9876543210",
        "LETHE_INSTALL_KEYS_URLS" => "https://keys.example",
        "LETHE_SITE_HOSTS" => ".atlassian.net",
        "LETHE_BRIDGE_SCRIPT_URL" => "https://bridge.example/all.js",
        "LETHE_WRAPPING_KEY" => "arn:aws:kms:eu-west-1:111122223333:key/1",
        "LETHE_CERTIFICATE_KEY" => "arn:aws:kms:eu-west-1:111122223333:key/2",
        "LETHE_KEY_BACKUP_DAYS" => "7",
        "LETHE_DATA_BACKUP_DAYS" => "35",
        "LETHE_SENTRY_DSN" => "https://abc@sentry.example/1",
        "LETHE_GA4_URL" => "https://ga4.example",
        "LETHE_GA4_MEASUREMENT_ID" => "G-ABC123",
        "LETHE_DATADOG_API_URL" => "https://datadog.example",
        "AWS_SESSION_TOKEN" | "AWS_ENDPOINT_URL" | "AWS_ENDPOINT_URL_S3" => return None,
        _ => "given",
    };
    Some(value.to_owned())
}

fn faults(replaced: &'static str, value: Option<&'static str>) -> Vec<VariableFault> {
    let lookup = |variable: &str| if variable == replaced { value.map(ToOwned::to_owned) } else { complete(variable) };
    Config::read(lookup).err().map(|fault| fault.0).unwrap_or_default()
}

#[test]
fn a_complete_environment_is_read() {
    let config = Config::read(complete).unwrap();
    assert_eq!(config.public_url.as_str(), "https://eu.lethe.example/");
    assert_eq!(config.region_base_urls.len(), 2);
    assert!(config.origin_secrets.accept(b"fedcba9876543210fedcba9876543210"));
    assert!(!config.origin_secrets.accept(b"fedcba9876543210fedcba987654321"));
}

#[test]
fn large_files_arrive_at_the_bucket_or_where_s3_is_said_to_be() {
    assert_eq!(Config::read(complete).unwrap().incoming_origin(), "https://given.s3.given.amazonaws.com");
    let lookup = |variable: &str| match variable {
        "AWS_ENDPOINT_URL_S3" => Some("http://127.0.0.1:8082/".to_owned()),
        _ => complete(variable),
    };
    assert_eq!(Config::read(lookup).unwrap().incoming_origin(), "http://127.0.0.1:8082");
}

#[test]
fn an_endpoint_of_all_of_aws_is_that_of_s3_unless_s3_has_its_own() {
    let read = |own: Option<&str>| {
        let lookup = |variable: &str| match variable {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:4566".to_owned()),
            "AWS_ENDPOINT_URL_S3" => own.map(ToOwned::to_owned),
            _ => complete(variable),
        };
        let config = Config::read(lookup).unwrap();
        [config.endpoint, config.s3_endpoint].map(|endpoint| endpoint.unwrap().to_string())
    };
    assert_eq!(read(None), ["http://127.0.0.1:4566/", "http://127.0.0.1:4566/"]);
    assert_eq!(read(Some("http://127.0.0.1:8082")), ["http://127.0.0.1:4566/", "http://127.0.0.1:8082/"]);
    let config = Config::read(complete).unwrap();
    assert!(config.endpoint.is_none() && config.s3_endpoint.is_none());
}

#[test]
fn every_missing_variable_is_named_at_once() {
    let Err(ConfigFault(faults)) = Config::read(|_| None) else { panic!("an empty environment started") };
    assert_eq!(faults.len(), 39);
    assert!(faults.iter().all(|fault| fault.problem == "is not set"));
}

#[test]
fn a_value_of_the_wrong_form_is_named_and_not_shown() {
    for (variable, value) in [
        ("LETHE_PUBLIC_URL", "http://lethe.example"),
        ("LETHE_PUBLIC_URL", "https://lethe.example/path"),
        ("LETHE_PUBLIC_URL", "https://user:secret@lethe.example"),
        ("LETHE_REGION_BASE_URLS", r#"{"MARS":"https://lethe.example"}"#),
        ("LETHE_REGION_BASE_URLS", "[]"),
        ("LETHE_ORIGIN_SECRETS", "short-secret"),
        ("LETHE_ORIGIN_SECRETS", "0123456789abcdef0123456789abcdef,"),
        ("LETHE_INSTALL_KEYS_URLS", "ftp://keys.example"),
        ("LETHE_SITE_HOSTS", "not a host"),
        ("LETHE_BRIDGE_SCRIPT_URL", "https://bridge.example/all.js;script-src"),
        ("LETHE_BRIDGE_SCRIPT_URL", "http://bridge.example/all.js"),
        ("AWS_ENDPOINT_URL", "http://aws.example"),
        ("AWS_ENDPOINT_URL_S3", "http://s3.example"),
        ("LETHE_WRAPPING_KEY", "alias/lethe"),
        ("LETHE_CERTIFICATE_KEY", "alias/lethe"),
        ("LETHE_KEY_BACKUP_DAYS", "seven"),
        ("LETHE_DATA_BACKUP_DAYS", "51"),
        ("LETHE_SENTRY_DSN", "https://sentry.example/1"),
        ("LETHE_SENTRY_DSN", "http://abc@sentry.example/1"),
        ("LETHE_GA4_URL", "http://ga4.example"),
        ("LETHE_GA4_MEASUREMENT_ID", "UA-1"),
        ("LETHE_DATADOG_API_URL", "datadog.example"),
        ("LETHE_GA4_API_SECRET", "two words"),
        ("LETHE_DATADOG_API_KEY", "two words"),
    ] {
        let found = faults(variable, Some(value));
        assert_eq!(found.len(), 1, "{variable}={value}");
        assert_eq!(found.first().map(|fault| fault.variable), Some(variable));
        assert!(!ConfigFault(found).to_string().contains(value));
    }
}

#[test]
fn plain_http_is_for_this_machine_only() {
    assert!(faults("LETHE_PUBLIC_URL", Some("http://127.0.0.1:8080")).is_empty());
    assert!(!faults("LETHE_PUBLIC_URL", Some("http://10.0.0.1:8080")).is_empty());
}

#[test]
fn a_sink_that_is_on_has_its_secret() {
    for (variable, sink) in [("LETHE_GA4_API_SECRET", "LETHE_GA4_MEASUREMENT_ID"), ("LETHE_DATADOG_API_KEY", "LETHE_DATADOG_API_URL")] {
        assert_eq!(faults(variable, Some("off")).first().map(|fault| fault.variable), Some(variable));
        let both_off = |asked: &str| if asked == variable || asked == sink { Some("off".to_owned()) } else { complete(asked) };
        assert!(Config::read(both_off).is_ok(), "{sink}");
    }
}
