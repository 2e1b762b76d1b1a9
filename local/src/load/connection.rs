//! One connection that is kept: it sends a webhook, waits for the answer, and sends the next one. What is refused for now comes again, as from
//! Jira, but as soon as the answer says and not in five minutes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use local::jira::issues::webhook::MOST_RETRIES;
use shared::platform::clock::{Clock as _, Moment, SystemClock};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::events::{Event, Events};
use super::tally::{Answered, Tally};
use super::{ADMIN, Loaded, SITE};
use crate::small_jira::SmallJira;

/// How long an answer is waited for: longer than the functions let any call take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a token is used. It is good for three minutes.
const TOKEN_USED_FOR: Duration = Duration::from_secs(60);

/// More than any answer to a webhook has.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Where webhooks go, and what they are signed with.
pub(super) struct Address {
    socket: SocketAddr,
    authority: HeaderValue,
    /// The app's own path.
    app: String,
    jira: Arc<SmallJira>,
    clock: Arc<SystemClock>,
    token: Mutex<Option<(String, Moment)>>,
}

impl Address {
    /// Of the app of this name, among the functions at this address.
    pub(super) fn of(functions: &str, slug: &str, jira: Arc<SmallJira>, clock: Arc<SystemClock>) -> Loaded<Self> {
        let authority = functions.strip_prefix("http://").ok_or("the host listens at no plain address")?;
        let (socket, authority) = (authority.parse()?, authority.parse()?);
        Ok(Self { socket, authority, app: format!("/{slug}"), jira, clock, token: Mutex::default() })
    }

    /// What copies of an issue are read at.
    pub(super) fn copies(&self, issue: u64) -> String {
        format!("http://{}{}/issue-copies/{issue}", self.socket, self.app)
    }

    /// What the site's administrator reads with.
    pub(super) async fn context_token(&self) -> Loaded<String> {
        Ok(self.jira.token(SITE, ADMIN, None).await.map_err(|fault| fault.to_string())?)
    }

    /// What is stored of the site.
    pub(super) async fn stored(&self) -> Loaded<serde_json::Value> {
        Ok(self.jira.stored(SITE).await.map_err(|fault| fault.to_string())?)
    }

    fn path(&self) -> String {
        format!("{}/webhooks/issue_updated", self.app)
    }

    /// A token covers method and address, and those are the same for all webhooks: so one is good for all that are sent within its time.
    async fn token(&self) -> Loaded<String> {
        let mut known = self.token.lock().await;
        let now = self.clock.now();
        match known.as_ref().filter(|(_, made)| now.since(*made) < TOKEN_USED_FOR) {
            Some((token, _)) => Ok(token.clone()),
            None => {
                let token = self.jira.token(SITE, ADMIN, Some(("POST", &self.path()))).await.map_err(|fault| fault.to_string())?;
                Ok(known.insert((token, now)).0.clone())
            }
        }
    }

    async fn request(&self, event: &Event, retry: u32) -> Loaded<Request<Body>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.path())
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("JWT {}", self.token().await?))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-atlassian-webhook-identifier", &event.identifier)
            .header("x-atlassian-webhook-flow", "Primary");
        if retry > 0 {
            request = request.header("x-atlassian-webhook-retry", retry);
        }
        Ok(request.body(Body::from(event.body.clone()))?)
    }
}

/// The connection.
pub(super) struct Connection {
    address: Arc<Address>,
    sender: SendRequest<Body>,
    tally: Tally,
}

impl Connection {
    /// Opens one.
    pub(super) async fn open(address: Arc<Address>) -> Loaded<Self> {
        let sender = connect(address.socket).await?;
        Ok(Self { address, sender, tally: Tally::default() })
    }

    /// Sends one event after the other for as long as it is to go on, and the last one to its end.
    pub(super) async fn send_while(mut self, events: &Events, goes_on: impl Fn() -> bool) -> Tally {
        while goes_on()
            && let Some(event) = events.next()
        {
            self.deliver(&event, events).await;
        }
        self.tally
    }

    /// Sends an event until it is taken, or was sent as often as Jira sends any.
    async fn deliver(&mut self, event: &Event, events: &Events) {
        for retry in 0..=MOST_RETRIES {
            self.tally.sent_again += u64::from(retry > 0);
            let began = self.address.clock.now();
            let answered = self.send(event, retry).await.unwrap_or_else(|fault| Answered::Nothing(fault.to_string()));
            self.tally.count(&answered, self.address.clock.now().since(began));
            match answered {
                Answered::Taken(_) => return events.take(event),
                Answered::Later(_, wait) => tokio::time::sleep(wait).await,
                Answered::Refused(_) => break,
                // Whoever hears nothing does not know what became of it.
                Answered::Nothing(_) => {}
            }
        }
        self.tally.given_up += 1;
    }

    async fn send(&mut self, event: &Event, retry: u32) -> Loaded<Answered> {
        let request = self.address.request(event, retry).await?;
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.address.socket).await?;
            self.tally.opened_again += 1;
        }
        let answer = timeout(PATIENCE, self.sender.send_request(request)).await.map_err(|_| "no answer in time")??;
        let answered = Answered::of(&answer);
        // To its end, or the connection could not be used again.
        read(answer).await?;
        Ok(answered)
    }
}

impl Answered {
    fn of(answer: &Response<Incoming>) -> Self {
        let wait = answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let status = answer.status();
        match (status, wait) {
            (StatusCode::OK | StatusCode::NO_CONTENT, _) => Self::Taken(status.as_u16()),
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => Self::Later(status.as_u16(), wait),
            _ => Self::Refused(status.as_u16()),
        }
    }
}

async fn connect(socket: SocketAddr) -> Loaded<SendRequest<Body>> {
    let stream = TcpStream::connect(socket).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // What it ends with is what the sender hears.
    tokio::spawn(connection);
    Ok(sender)
}

async fn read(answer: Response<Incoming>) -> Loaded {
    timeout(PATIENCE, to_bytes(Body::new(answer.into_body()), LARGEST_ANSWER)).await.map_err(|_| "an answer that does not end")??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use tokio::net::TcpListener;

    use super::*;

    /// What came of one webhook that is answered so, one answer after the other and the last one for ever; and which retries were told of.
    async fn sent(answers: impl Into<VecDeque<(u16, Option<&'static str>)>>) -> (Tally, u64, Vec<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let functions = format!("http://{}", listener.local_addr().unwrap());
        let retries = Arc::<std::sync::Mutex<Vec<String>>>::default();
        let (told, answers) = (Arc::clone(&retries), Arc::new(std::sync::Mutex::new(answers.into())));
        let app = Router::new().fallback(move |request: Request<Body>| {
            let retry = request.headers().get("x-atlassian-webhook-retry").map(|retry| retry.to_str().unwrap().to_owned());
            told.lock().unwrap().extend(retry);
            let mut answers = answers.lock().unwrap();
            let (status, wait) = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0] };
            let answer = wait.into_iter().fold(Response::builder().status(status), |answer, wait| answer.header("retry-after", wait));
            async move { answer.body(Body::empty()).unwrap() }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });

        let clock = Arc::new(SystemClock::start());
        let jira = Arc::new(SmallJira::at("http://127.0.0.1:1").unwrap());
        let address = Address::of(&functions, "app", jira, Arc::clone(&clock)).unwrap();
        *address.token.lock().await = Some(("token".to_owned(), clock.now()));
        let connection = Connection::open(Arc::new(address)).await.unwrap();
        let (events, sent) = (Events::of(1, clock), AtomicUsize::new(0));
        let tally = connection.send_while(&events, || sent.fetch_add(1, Ordering::Relaxed) == 0).await;
        let retries = retries.lock().unwrap().clone();
        (tally, events.taken(), retries)
    }

    #[tokio::test]
    async fn what_is_put_off_comes_again_until_it_is_taken() {
        let (tally, taken, retries) = sent([(503, Some("0")), (429, Some("0")), (204, None)]).await;
        assert_eq!((taken, tally.sent_again, tally.given_up, tally.refused.len()), (1, 2, 0, 0));
        assert_eq!((tally.answers(), tally.opened_again, retries), (3, 0, vec!["1".to_owned(), "2".to_owned()]));
    }

    #[tokio::test]
    async fn what_is_put_off_for_ever_is_given_up() {
        let (tally, taken, retries) = sent([(503, Some("0"))]).await;
        assert_eq!((taken, tally.given_up, retries.len() as u64), (0, 1, u64::from(MOST_RETRIES)));
    }

    #[tokio::test]
    async fn whoever_refuses_without_a_time_has_refused() {
        for status in [429, 503, 500, 401] {
            let (tally, taken, _) = sent([(status, None)]).await;
            assert_eq!((taken, tally.given_up, tally.refused.get(&status)), (0, 1, Some(&1)), "{status}");
        }
    }
}
