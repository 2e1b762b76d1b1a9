//! KMS: winterbaume's, with AES-256-GCM under keys that are kept in one JSON file, so that a restart opens old ciphertexts.
//!
//! Four of its defects are stopped here. It joins the encryption context unescaped (`{a: "1,b=2"}` opens `{a: "1", b: "2"}`), so a
//! context with `,` or `=` is refused, though AWS would take it. It ignores `DryRun`, so that is answered here as AWS does. It encrypts under
//! any key, so one that is not for that is refused. And its signatures are none, so [`signing`] signs in front of it.
//! A key's region and policy are not looked at.

mod signing;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use futures::executor::block_on;
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::sync::Mutex;
use winterbaume_core::{MockRequest, MockResponse, MockService, StatefulService, default_account_id};
use winterbaume_kms::KmsService;

use self::signing::{Refused, SigningKey};
use super::{REGION, Service, StartFault, answer, bridge};

/// What the operations begin with that change no key. Any other is followed by a write of the file.
const CHANGE_NOTHING: [&str; 8] = ["Decrypt", "Describe", "Encrypt", "Generate", "Get", "List", "ReEncrypt", "Verify"];

/// The members of a request that hold an encryption context.
const CONTEXTS: [&str; 3] = ["EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext"];

/// What only a key for encryption may be used for begins with these.
const ENCRYPTION: [&str; 4] = ["Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt"];

/// The members of a request that name a key.
const KEY_NAMES: [&str; 3] = ["KeyId", "SourceKeyId", "DestinationKeyId"];

/// What is answered by [`signing`].
const SIGNING: [&str; 3] = ["GetPublicKey", "Sign", "Verify"];

/// What a key is for, as `CreateKey` takes it.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Encryption,
    Signing,
}

impl Purpose {
    const fn usage_and_spec(self) -> (&'static str, &'static str) {
        match self {
            Self::Encryption => ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
            Self::Signing => (signing::USAGE, signing::SPEC),
        }
    }
}

/// All keys and their aliases.
pub(super) struct Keys {
    service: KmsService,
    file: Option<PathBuf>,
    /// Held from a change to the end of its write, so that an older state never overwrites a newer one.
    changing: Mutex<()>,
}

impl Keys {
    pub(super) fn in_memory() -> Self {
        Self { service: KmsService::new(), file: None, changing: Mutex::new(()) }
    }

    pub(super) fn in_file(path: PathBuf) -> Result<Self, StartFault> {
        let service = KmsService::new();
        match std::fs::read(&path) {
            Ok(stored) => {
                let keys = serde_json::from_slice(&stored).map_err(|cause| StartFault::KeysUnreadable { path: path.clone(), cause })?;
                // Nobody else holds the new service, so its lock is free and this never waits.
                let restored = block_on(service.restore(default_account_id(), REGION, keys));
                restored.map_err(|cause| StartFault::KeysRefused(cause.to_string()))?;
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(StartFault::FolderUnusable { path, cause }),
        }
        Ok(Self { service, file: Some(path), changing: Mutex::new(()) })
    }

    pub(super) async fn answer(&self, operation: &str, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = bridge::request(request)?;
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if has_ambiguous_context(&asked) {
            let message = "the embedded KMS cannot tell encryption contexts with ',' or '=' apart";
            return Ok(answer::refusal(Service::Kms, StatusCode::BAD_REQUEST, "ValidationException", message));
        }
        let given = if SIGNING.contains(&operation) {
            self.sign(operation, &asked).await
        } else if let Some(refused) = self.misuse(operation, &asked).await {
            refused.answer()
        } else {
            self.handle(operation, request).await.map_err(|cause| ConnectorError::other(cause.into(), None))?
        };
        if given.status == 200 && asked.get("DryRun") == Some(&Value::Bool(true)) {
            let message = "The request would have succeeded, but the DryRun option is set.";
            return Ok(answer::refusal(Service::Kms, StatusCode::BAD_REQUEST, "DryRunOperationException", message));
        }
        Ok(bridge::response(given))
    }

    async fn handle(&self, operation: &str, request: MockRequest) -> io::Result<MockResponse> {
        if CHANGE_NOTHING.iter().any(|start| operation.starts_with(start)) {
            return Ok(self.service.handle(request).await);
        }
        let _changing = self.changing.lock().await;
        let given = self.service.handle(request).await;
        if let Some(file) = &self.file {
            self.write(file).await?;
        }
        Ok(given)
    }

    /// Signs, verifies, or gives the public key.
    async fn sign(&self, operation: &str, asked: &Value) -> MockResponse {
        let described = self.describe(asked.get("KeyId")).await;
        if described.status != 200 {
            return described;
        }
        let described: Value = serde_json::from_slice(&described.body).unwrap_or_default();
        let keys = self.service.snapshot(default_account_id(), REGION).await.keys;
        let id = described.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).unwrap_or_default();
        let answered = SigningKey::of(operation, keys.get(id)).and_then(|key| key.answer(operation, asked));
        answered.map_or_else(|refused| refused.answer(), |answer| MockResponse::json(200, answer.to_string()))
    }

    /// Why this may not be done with a key that the request names: it is there, but not for encryption.
    async fn misuse(&self, operation: &str, asked: &Value) -> Option<Refused> {
        if !ENCRYPTION.iter().any(|start| operation.starts_with(start)) {
            return None;
        }
        for name in KEY_NAMES.iter().filter_map(|name| asked.get(name)) {
            let described: Value = serde_json::from_slice(&self.describe(Some(name)).await.body).unwrap_or_default();
            let usage = described.pointer("/KeyMetadata/KeyUsage").and_then(Value::as_str);
            if let Some(usage) = usage.filter(|usage| *usage != "ENCRYPT_DECRYPT") {
                let message = format!("{name} key usage is {usage} which is not valid for {operation}.");
                return Some(Refused { code: "InvalidKeyUsageException", message });
            }
        }
        None
    }

    async fn describe(&self, key: Option<&Value>) -> MockResponse {
        self.service.handle(bridge::own_request("kms", "TrentService.DescribeKey", &json!({"KeyId": key}))).await
    }

    /// Beside the old file and then in its place: a crash leaves one of the two, never half of one.
    async fn write(&self, file: &Path) -> io::Result<()> {
        let keys = self.service.snapshot(default_account_id(), REGION).await;
        let mut beside = NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        serde_json::to_writer(&mut beside, &keys)?;
        beside.as_file().sync_all()?;
        beside.persist(file)?;
        Ok(())
    }

    pub(super) async fn create(&self, alias: &str, purpose: Purpose) -> Result<String, StartFault> {
        let (usage, spec) = purpose.usage_and_spec();
        let found = self.ask("DescribeKey", &json!({"KeyId": alias})).await;
        if let Ok(key) = found {
            return match key.pointer("/KeyMetadata/KeyUsage").and_then(Value::as_str) {
                Some(found) if found == usage => arn(&key),
                _ => Err(StartFault::KeysRefused(format!("{alias} is a key for something else"))),
            };
        }
        let key = self.ask("CreateKey", &json!({"KeyUsage": usage, "KeySpec": spec})).await?;
        let arn = arn(&key)?;
        self.ask("CreateAlias", &json!({"AliasName": alias, "TargetKeyId": arn})).await?;
        Ok(arn)
    }

    async fn ask(&self, operation: &str, body: &Value) -> Result<Value, StartFault> {
        let request = bridge::own_request("kms", &format!("TrentService.{operation}"), body);
        let given = self.handle(operation, request).await.map_err(|cause| StartFault::KeysRefused(cause.to_string()))?;
        if given.status != 200 {
            return Err(StartFault::KeysRefused(String::from_utf8_lossy(&given.body).into_owned()));
        }
        Ok(serde_json::from_slice(&given.body).unwrap_or_default())
    }
}

fn arn(key: &Value) -> Result<String, StartFault> {
    let arn = key.pointer("/KeyMetadata/Arn").and_then(Value::as_str);
    arn.map(str::to_owned).ok_or_else(|| StartFault::KeysRefused("a key without an ARN".to_owned()))
}

fn has_ambiguous_context(asked: &Value) -> bool {
    let pairs = CONTEXTS.iter().filter_map(|name| asked.get(name)?.as_object()).flatten();
    pairs.into_iter().any(|(name, value)| [name.as_str(), value.as_str().unwrap_or_default()].iter().any(|text| text.contains([',', '='])))
}
