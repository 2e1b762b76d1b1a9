//! KMS: winterbaume's, with AES-256-GCM under keys that are kept in one JSON file, so that a restart opens old ciphertexts.
//!
//! Two of its defects are stopped here. It joins the encryption context unescaped (`{a: "1,b=2"}` opens `{a: "1", b: "2"}`), so a
//! context with `,` or `=` is refused, though AWS would take it. And it ignores `DryRun`, so that is answered here as AWS does.
//! `Sign` is not a real signature, and a key's region and policy are not looked at.

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

use super::{REGION, Service, StartFault, answer, bridge};

/// What the operations begin with that change no key. Any other is followed by a write of the file.
const CHANGE_NOTHING: [&str; 9] = ["Decrypt", "Describe", "Encrypt", "Generate", "Get", "List", "ReEncrypt", "Sign", "Verify"];

/// The members of a request that hold an encryption context.
const CONTEXTS: [&str; 3] = ["EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext"];

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
        let given = self.handle(operation, request).await.map_err(|cause| ConnectorError::other(cause.into(), None))?;
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

    /// Beside the old file and then in its place: a crash leaves one of the two, never half of one.
    async fn write(&self, file: &Path) -> io::Result<()> {
        let keys = self.service.snapshot(default_account_id(), REGION).await;
        let mut beside = NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        serde_json::to_writer(&mut beside, &keys)?;
        beside.as_file().sync_all()?;
        beside.persist(file)?;
        Ok(())
    }

    pub(super) async fn create(&self, alias: &str) -> Result<String, StartFault> {
        let found = self.ask("DescribeKey", &json!({"KeyId": alias})).await;
        if let Ok(key) = found {
            return arn(&key);
        }
        let key = self.ask("CreateKey", &json!({})).await?;
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

#[cfg(test)]
mod tests {
    use aws_sdk_kms::error::ProvideErrorMetadata;
    use aws_sdk_kms::primitives::Blob;

    use super::super::testing::{self, kms};

    #[tokio::test]
    async fn a_data_key_of_64_bytes_opens_under_its_context_and_no_other() {
        let (aws, _) = testing::world();
        let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
        let kms = kms(&aws);
        let request = kms.generate_data_key().key_id("alias/wrapping").number_of_bytes(64).encryption_context("tenant", "a");
        let made = request.send().await.unwrap();
        assert_eq!(made.key_id(), Some(key.as_str()));
        let (plain, sealed) = (made.plaintext.unwrap(), made.ciphertext_blob.unwrap());
        assert_eq!(plain.as_ref().len(), 64);

        let open = |tenant: &str| kms.decrypt().key_id(&key).ciphertext_blob(sealed.clone()).encryption_context("tenant", tenant);
        assert_eq!(open("a").send().await.unwrap().plaintext, Some(plain));
        assert_eq!(open("b").send().await.unwrap_err().code(), Some("InvalidCiphertextException"));
        let without = kms.decrypt().key_id(&key).ciphertext_blob(sealed.clone()).send().await;
        assert_eq!(without.unwrap_err().code(), Some("InvalidCiphertextException"));
    }

    #[tokio::test]
    async fn what_is_encrypted_is_decrypted() {
        let (aws, _) = testing::world();
        let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
        let kms = kms(&aws);
        let sealed = kms.encrypt().key_id(&key).plaintext(Blob::new("secret")).send().await.unwrap().ciphertext_blob.unwrap();
        assert!(!sealed.as_ref().windows(6).any(|window| window == b"secret"));
        let opened = kms.decrypt().ciphertext_blob(sealed).send().await.unwrap();
        assert_eq!(opened.plaintext.unwrap().as_ref(), b"secret");
    }

    #[tokio::test]
    async fn a_context_that_could_be_mistaken_for_another_is_refused() {
        let (aws, _) = testing::world();
        let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
        for (name, value) in [("a", "1,b=2"), ("a=1", "b"), ("a,b", "1")] {
            let made = kms(&aws).generate_data_key().key_id(&key).number_of_bytes(64).encryption_context(name, value).send().await;
            assert_eq!(made.unwrap_err().code(), Some("ValidationException"));
        }
    }

    #[tokio::test]
    async fn a_dry_run_shows_nothing() {
        let (aws, _) = testing::world();
        let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
        let made = kms(&aws).generate_data_key().key_id(&key).number_of_bytes(64).dry_run(true).send().await;
        assert_eq!(made.unwrap_err().code(), Some("DryRunOperationException"));
    }

    #[tokio::test]
    async fn an_alias_is_made_once() {
        let (aws, _) = testing::world();
        let key = aws.create_wrapping_key("alias/wrapping").await.unwrap();
        assert_eq!(aws.create_wrapping_key("alias/wrapping").await.unwrap(), key);
        assert_ne!(aws.create_wrapping_key("alias/storage").await.unwrap(), key);
    }
}
