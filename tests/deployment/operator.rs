//! What an operator asks of the function of operators. The emulator tells a function nothing of who signed, so the event is handed over as Lambda
//! makes it of a call that IAM let in: the sample event, about this customer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local::samples::Sample;
use serde_json::{Value, json};

use super::customer::Customer;
use super::stack::Stack;

/// Where the customer stands, as operators see it.
pub async fn status(stack: &Stack, customer: &Customer<'_>) -> Value {
    serde_json::from_slice(&asked(stack, customer).await).unwrap()
}

/// The certificate as it is handed out, byte for byte.
pub async fn certificate(stack: &Stack, customer: &Customer<'_>) -> Vec<u8> {
    let answer = String::from_utf8(asked(stack, customer).await).unwrap();
    let (_, rest) = answer.split_once("\"certificate\":").unwrap();
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    values.next().unwrap().unwrap();
    rest.as_bytes()[..values.byte_offset()].to_vec()
}

async fn asked(stack: &Stack, customer: &Customer<'_>) -> Vec<u8> {
    let samples = Sample::of_operators().unwrap();
    let mut event = samples.into_iter().find(|sample| sample.path().ends_with("/erasure/status")).unwrap().event;
    event["body"] = json!({"clientKey": customer.site.client_key, "ticket": 1234}).to_string().into();
    let answer = stack.invoke("Erasure", &event).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let body = answer["body"].as_str().unwrap();
    if answer["isBase64Encoded"] == true { STANDARD.decode(body).unwrap() } else { body.as_bytes().to_vec() }
}
