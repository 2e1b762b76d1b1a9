//! The real binary under the Lambda runtime's API: it starts from the environment that the template gives it, answers an event, and does not
//! start from anything less.

use std::process::Command;

use local::runtime_api::{ORIGIN_SECRET, Process, environment};
use local::samples::Sample;
use serde_json::Value;

#[tokio::test]
async fn the_binary_answers_an_event_of_its_function_url() {
    let mut process = Process::start(env!("CARGO_BIN_EXE_descriptor"), "Descriptor").await.unwrap();
    let sample = Sample::all().unwrap().into_iter().find(|sample| sample.case == "descriptor").unwrap();
    let answer: Value = serde_json::from_slice(&process.answer(sample.filled("", ORIGIN_SECRET)).await.unwrap().body).unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let descriptor: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(descriptor["baseUrl"], "https://eu.lethe.example/test-management");
    let refused: Value = serde_json::from_slice(&process.answer(sample.filled("", "not-the-secret")).await.unwrap().body).unwrap();
    assert_eq!(refused["statusCode"], 403);
}

#[test]
fn the_binary_does_not_start_from_less_and_says_what_is_missing() {
    let mut environment = environment("Descriptor").unwrap();
    environment.remove("LETHE_WRAPPING_KEY");
    environment.insert("LETHE_PUBLIC_URL".to_owned(), "http://lethe.example".to_owned());
    let mut command = Command::new(env!("CARGO_BIN_EXE_descriptor"));
    let output = command.env_clear().envs(environment).env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("LETHE_WRAPPING_KEY is not set") && said.contains("LETHE_PUBLIC_URL must be"), "{said}");
    assert!(!said.contains("http://lethe.example"), "{said}");
}
