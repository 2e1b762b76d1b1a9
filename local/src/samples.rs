//! The sample events: requests as a function URL hands them to Lambda, and what queues, schedules and logs send, one folder a function. Tests send
//! them, the local host makes curl lines of the requests, and whoever reads them sees what AWS sends. Tokens and the origin secret stand in
//! them as `${install}`, `${host}`, `${context}`, `${page}` and `${origin}`, because a real one is good for minutes or hours. What operators send
//! carries none of them: IAM has checked a signature before, and says whose it was.

use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Where they lie in the repository.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

/// The name of an attachment and of an upload in the sample events: real ones are made anew in every world.
pub const ATTACHMENT: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The project that the sample envelope is for: each host has another.
pub const DSN: &str = "https://abc123@sentry.example/42";

/// Where a page token stands: in the path, because what a browser sends when a page is left has no headers of ours.
const PAGE_TOKEN: &str = "${page}";

/// One sample event.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The function that it is for.
    pub function: String,
    /// The file's name without its ending.
    pub case: String,
    /// The event.
    pub event: Value,
}

/// Which token a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// None.
    Public,
    /// Signed with Atlassian's install key.
    Install,
    /// Signed with the tenant's secret for this very request.
    Host,
    /// Signed with the tenant's secret for a page's calls.
    Context,
    /// Ours, given to a page of the tenant's for its telemetry.
    Page,
}

impl Sample {
    /// All requests that come through the front door, by function and case.
    ///
    /// # Errors
    /// If the folder cannot be read or a file is not JSON.
    pub fn all() -> io::Result<Vec<Self>> {
        Ok(Self::read()?.into_iter().filter(|sample| sample.is_request() && sample.principal().is_none()).collect())
    }

    /// All requests that operators send past the front door, by function and case.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn of_operators() -> io::Result<Vec<Self>> {
        Ok(Self::read()?.into_iter().filter(|sample| sample.principal().is_some()).collect())
    }

    /// All that queues, schedules and logs send, by function and case.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn of_workers() -> io::Result<Vec<Self>> {
        Ok(Self::read()?.into_iter().filter(|sample| !sample.is_request()).collect())
    }

    fn is_request(&self) -> bool {
        self.event.get("requestContext").is_some()
    }

    fn read() -> io::Result<Vec<Self>> {
        let mut samples = Vec::new();
        for folder in sorted(Path::new(FOLDER))? {
            for file in sorted(&folder)? {
                let event = serde_json::from_str(&fs::read_to_string(&file)?).map_err(io::Error::other)?;
                samples.push(Self { function: stem(&folder), case: stem(&file), event });
            }
        }
        Ok(samples)
    }

    fn text(&self, pointer: &str) -> &str {
        self.event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.text("/requestContext/http/method")
    }

    /// The raw path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text("/rawPath")
    }

    /// The raw query.
    #[must_use]
    pub fn query(&self) -> &str {
        self.text("/rawQueryString")
    }

    /// The body, if there is one.
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        self.event.get("body").and_then(Value::as_str)
    }

    /// Whom IAM let in with it, where only operators call.
    #[must_use]
    pub fn principal(&self) -> Option<&str> {
        self.event.pointer("/requestContext/authorizer/iam/userArn").and_then(Value::as_str)
    }

    /// Which token it carries.
    #[must_use]
    pub fn token(&self) -> TokenKind {
        match self.text("/headers/authorization") {
            "JWT ${install}" => TokenKind::Install,
            "JWT ${host}" => TokenKind::Host,
            "JWT ${context}" => TokenKind::Context,
            _ if self.path().contains(PAGE_TOKEN) => TokenKind::Page,
            _ => TokenKind::Public,
        }
    }

    /// The same with a real attachment's name in place of [`ATTACHMENT`].
    #[must_use]
    pub fn about(mut self, attachment: &str) -> Self {
        replace_in_path(&mut self.event, ATTACHMENT, attachment);
        self
    }

    /// The event with a token and the origin secret in their places.
    #[must_use]
    pub fn filled(&self, token: &str, origin_secret: &str) -> Value {
        let mut event = self.event.clone();
        replace_in_path(&mut event, PAGE_TOKEN, token);
        if let Some(headers) = event.pointer_mut("/headers").and_then(Value::as_object_mut) {
            headers.insert("x-lethe-origin".to_owned(), origin_secret.into());
            if ![TokenKind::Public, TokenKind::Page].contains(&self.token()) {
                headers.insert("authorization".to_owned(), format!("JWT {token}").into());
            }
        }
        event
    }

    /// The same request as a command for a shell, against the local host at `address`, whose Sentry is `dsn`; `token` is the command that makes a
    /// token.
    #[must_use]
    pub fn curl(&self, address: &str, token: &str, dsn: &str) -> String {
        let (path, method) = (self.path().trim_end_matches(PAGE_TOKEN), self.method());
        let target = if self.query().is_empty() { path.to_owned() } else { format!("{path}?{}", self.query()) };
        let mut line = format!("curl -i -X {method} '{address}{target}'");
        match self.token() {
            TokenKind::Public => {}
            TokenKind::Page => line.push_str(&format!("\"$({token} {method} '{target}')\"")),
            _ => line.push_str(&format!(" -H \"authorization: JWT $({token} {method} '{target}')\"")),
        }
        if let Some(body) = self.body() {
            let body = &body.replace(DSN, dsn);
            let media_type = self.text("/headers/content-type");
            // As AWS hands bytes over; a shell takes the text that these are.
            let is_base64 = self.event.get("isBase64Encoded").and_then(Value::as_bool) == Some(true);
            let text = is_base64.then(|| STANDARD.decode(body).ok().and_then(|bytes| String::from_utf8(bytes).ok())).flatten();
            line.push_str(&format!(" -H 'content-type: {media_type}' --data-binary '{}'", text.as_deref().unwrap_or(body).trim_end()));
        }
        line
    }
}

fn replace_in_path(event: &mut Value, name: &str, by: &str) {
    for pointer in ["/rawPath", "/requestContext/http/path"] {
        if let Some(path) = event.pointer_mut(pointer)
            && let Some(named) = path.as_str().map(|path| path.replace(name, by))
        {
            *path = named.into();
        }
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
