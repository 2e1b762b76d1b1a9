//! One token of 600 bytes verified, the hash of an iframe's address of 195 characters included: our code against Atlassian's own library in
//! Node. Neither finds the token in the request, nor the secret in a store. What is counted is CPU, because others use the same CPUs meanwhile.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use benches::{Ace, Found, cpu, median};
use local::atlassian::Site;
use serde_json::json;
use shared::connect::catalogue::Catalogue;
use shared::connect::jwt::{Algorithm, QshPolicy, Unverified};
use shared::connect::qsh::Request;

use crate::process::Process;
use crate::report::{self, Better, Row, Scene};
use crate::{now, shots, token};

/// How many rounds; an odd number, so that one is in the middle.
const ROUNDS: usize = 15;

/// How many verifications are a round.
const TIMES: u32 = 20_000;

/// Compares both.
pub(crate) fn compare(peer: &Ace, found: &mut Found) {
    let app = Catalogue::hosted().iter().next().unwrap();
    let site = Site::acme(app, format!("http://127.0.0.1/{}", app.slug));
    let (target, now) = (shots::iframe(&site), now());
    let token = token::host(&site, "GET", &target, now);
    println!("a token of {} bytes, an address of {} characters", token.len(), target.len());
    let (path, query) = target.split_once('?').unwrap();
    let base_path = format!("/{}", app.slug);
    let request = Request { method: "GET", path, query, base_path: &base_path };
    let ours = || {
        let began = cpu();
        for _ in 0..TIMES {
            verify(black_box(&token), site.shared_secret.as_bytes(), &request, now);
        }
        per_time(cpu() - began)
    };

    let mut node = Command::new(&peer.node);
    node.arg(peer.file("verification.js")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = Process::start(&mut node);
    let (Some(said), Some(mut told)) = node.pipes() else { panic!("node has no pipes") };
    let mut said = BufReader::new(said).lines();
    let given = json!({"token": token, "secret": site.shared_secret, "target": target, "baseUrl": site.app_base_url});
    writeln!(told, "{given}").unwrap();
    let mut theirs = || {
        writeln!(told, "{TIMES}").unwrap();
        said.next().unwrap().unwrap().parse::<f64>().unwrap()
    };

    // A first round of both, in which Node's compiler learns.
    let (mut ace, mut lethe) = (Vec::new(), Vec::new());
    for number in 0..=ROUNDS {
        let round = (theirs(), ours());
        if number > 0 {
            ace.push(round.0);
            lethe.push(round.1);
        }
    }
    found.note_aside("microseconds", "token.qsh", median(lethe.iter().copied()).unwrap());
    let row = Row { metric: "verification", words: "token and hash verified", unit: "µs", better: Better::Less, ace, lethe };
    report::tell(found, &Scene::of("token.qsh", "the token alone"), &[row]);
}

fn verify(token: &str, secret: &[u8], request: &Request<'_>, now: i64) {
    let unverified = Unverified::parse(token, Algorithm::Hs256).unwrap();
    let claims = unverified.verify_hs256(&[secret]).unwrap();
    claims.check_times(now).unwrap();
    claims.check_qsh(QshPolicy::Computed, request).unwrap();
}

fn per_time(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1e6 / f64::from(TIMES)
}
