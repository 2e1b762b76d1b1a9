//! How a tenant uses the app: settings, files and uploads, and what it must see of them.

use aws_sdk_s3::primitives::ByteStream;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode};
use local::host::ORIGIN_SECRET;
use serde_json::{Value, json};
use shared::platform::front;

use super::course::{Actor, Course, HOUR, Held};
use super::invariants;
use super::snapshots::SEALED;
use crate::attachments::{PATH, as_bytes};
use crate::harness::{Answer, CONFIGURATION, World, digest_of, host_request, page_request};

impl Course {
    pub async fn put(&mut self, index: usize) -> Held {
        let (site, now) = (self.site(index), self.now());
        let (name, json) = (format!("setting-{}", self.dice.throw(6)), format!("\"{}\"", self.dice.throw(u64::MAX)));
        let request = |_: &World| {
            let request = page_request(&site, Method::PUT, &format!("{CONFIGURATION}/{name}"), now);
            request.body(Body::from(json.clone())).unwrap()
        };
        let answered = self.insist(index, &format!("put {name}"), request).await?;
        if self.refused_as_left(index, "put", answered.status)? {
            return Ok(());
        }
        self.expect(index, "put", answered.status, &[StatusCode::CREATED, StatusCode::NO_CONTENT, StatusCode::OK])?;
        self.tenants[index].active().unwrap().records.insert(name, json);
        Ok(())
    }

    /// Promise E-33: whoever has left is refused everything, at once.
    pub fn refused_as_left(&self, index: usize, what: &str, status: StatusCode) -> Held<bool> {
        let is_active = self.tenants[index].is_active();
        match (is_active, status) {
            (false, StatusCode::UNAUTHORIZED) => Ok(true),
            (false, other) => self.broken("E-33", format!("{what} of one who has left was answered {other}"), Some(index)),
            (true, StatusCode::UNAUTHORIZED) => self.broken("E-35", format!("{what} of one who is active was refused"), Some(index)),
            (true, _) => Ok(false),
        }
    }

    pub async fn attach(&mut self, index: usize) -> Held {
        let (site, now) = (self.site(index), self.now());
        let bytes = format!("file {}", self.dice.throw(u64::MAX)).into_bytes();
        let request = |_: &World| {
            let request = page_request(&site, Method::POST, &format!("{PATH}?name=plan.txt&owner=case-1"), now);
            as_bytes(request.body(Body::from(bytes.clone())).unwrap())
        };
        let answered = self.insist(index, "attach", request).await?;
        if self.refused_as_left(index, "attach", answered.status)? {
            return Ok(());
        }
        self.expect(index, "attach", answered.status, &[StatusCode::CREATED])?;
        let id = answered.json()["id"].as_str().unwrap().to_owned();
        self.tenants[index].active().unwrap().files.insert(id, bytes);
        if self.dice.throw(3) == 0 {
            self.leave_versions(index).await;
        }
        Ok(())
    }

    /// Older versions and the mark of a deletion, as an earlier release of ours might have left them in the sealed bucket.
    pub async fn leave_versions(&mut self, index: usize) {
        let tenant = &self.tenants[index];
        let key = format!("{}/{}/{:x}", tenant.digest, tenant.present().unwrap().id, self.dice.throw(u64::MAX));
        let s3 = aws_sdk_s3::Client::new(&self.wire.aws().sdk_config());
        for _ in 0..2 {
            s3.put_object().bucket(SEALED).key(&key).body(ByteStream::from_static(b"sealed")).send().await.unwrap();
        }
        s3.delete_object().bucket(SEALED).key(&key).send().await.unwrap();
        self.wire.touch_objects(&self.tenants[index].digest);
    }

    /// Begins an upload; gives its name and where its part goes.
    pub async fn begin_upload(&mut self, index: usize) -> Held<Option<(String, Value, Vec<u8>)>> {
        let (site, now) = (self.site(index), self.now());
        let bytes = format!("upload {}", self.dice.throw(u64::MAX)).into_bytes();
        let body =
            json!({"name": "plan.txt", "owner": "case-1", "size": bytes.len(), "parts": [STANDARD.encode(digest_of(&bytes))]}).to_string();
        let request =
            |_: &World| page_request(&site, Method::POST, &format!("{PATH}/uploads"), now).body(Body::from(body.clone())).unwrap();
        let answered = self.insist(index, "begin an upload", request).await?;
        if self.refused_as_left(index, "an upload", answered.status)? {
            return Ok(None);
        }
        self.expect(index, "begin an upload", answered.status, &[StatusCode::CREATED])?;
        let (id, address) = (answered.json()["id"].as_str().unwrap().to_owned(), answered.json()["missing"][0].clone());
        if self.dice.throw(2) == 0 {
            let put = self.world.put_part(&address, bytes.clone()).await;
            self.expect(index, "a part", put.status, &[StatusCode::OK])?;
        }
        self.wire.touch_objects(&self.tenants[index].digest);
        self.tenants[index].active().unwrap().uploads.push((id.clone(), now));
        Ok(Some((id, address, bytes)))
    }

    /// A file by its parts; half of them are looked at once they are sealed.
    pub async fn upload(&mut self, index: usize) -> Held {
        let Some((id, address, bytes)) = self.begin_upload(index).await? else { return Ok(()) };
        let (site, now) = (self.site(index), self.now());
        let put = self.world.put_part(&address, bytes.clone()).await;
        self.expect(index, "a part", put.status, &[StatusCode::OK])?;
        let request =
            |_: &World| page_request(&site, Method::POST, &format!("{PATH}/uploads/{id}/complete"), now).body(Body::empty()).unwrap();
        let answered = self.insist(index, "complete an upload", request).await?;
        self.expect(index, "complete an upload", answered.status, &[StatusCode::ACCEPTED])?;
        self.wire.touch_objects(&self.tenants[index].digest);
        self.tenants[index].active().unwrap().uploads.pop();
        self.absorb(Actor::Tenant(index))?;
        invariants::count_before_purging(self);
        self.world.host.deliver().await.unwrap();
        self.absorb(Actor::Queues)?;
        self.after_delivery().await?;
        let read = self.read(index, &format!("{PATH}/{id}")).await?;
        self.expect(index, "what was uploaded", read.status, &[StatusCode::OK])?;
        self.tenants[index].active().unwrap().files.insert(id, bytes);
        Ok(())
    }

    /// Removes a file; older versions stay in the bucket for a while.
    pub async fn remove(&mut self, index: usize) -> Held {
        let Some(life) = self.tenants[index].active() else { return Ok(()) };
        let Some(id) = life.files.keys().next().cloned() else { return Ok(()) };
        let (site, now) = (self.site(index), self.now());
        let request = |_: &World| page_request(&site, Method::DELETE, &format!("{PATH}/{id}"), now).body(Body::empty()).unwrap();
        let answered = self.insist(index, "remove a file", request).await?;
        self.expect(index, "remove a file", answered.status, &[StatusCode::NO_CONTENT])?;
        self.tenants[index].active().unwrap().files.remove(&id);
        Ok(())
    }

    pub async fn rotate(&mut self, index: usize) -> Held {
        if !self.tenants[index].is_active() {
            return Ok(());
        }
        let (site, now, router) = (self.site(index), self.now(), self.rotation.clone());
        let request = |_: &World| {
            let request = host_request(&site, Method::POST, "/test-management/rotate", now);
            request.header(front::ORIGIN_SECRET, ORIGIN_SECRET).body(Body::empty()).unwrap()
        };
        let answered = self.insist_at(index, "rotate", Some(router), request).await?;
        self.expect(index, "rotate", answered.status, &[StatusCode::OK])?;
        self.totals.rotations += 1;
        self.look(index).await
    }

    pub async fn read(&mut self, index: usize, target: &str) -> Held<Answer> {
        let (site, now) = (self.site(index), self.now());
        let request = |_: &World| -> Request<Body> { page_request(&site, Method::GET, target, now).body(Body::empty()).unwrap() };
        self.insist(index, &format!("read {target}"), request).await
    }

    /// One setting, one file and what is over; or the refusal of all of it.
    pub async fn look(&mut self, index: usize) -> Held {
        if !self.tenants[index].is_active() {
            let answered = self.read(index, &format!("{CONFIGURATION}/setting-0")).await?;
            return self.refused_as_left(index, "a look", answered.status).map(drop);
        }
        let life = self.tenants[index].active().unwrap();
        let names: Vec<String> = life.records.keys().cloned().collect();
        let files: Vec<String> = life.files.keys().cloned().collect();
        if let Some(name) = (!names.is_empty()).then(|| &names[usize::try_from(self.dice.throw(names.len() as u64)).unwrap()]) {
            self.sees_setting(index, name).await?;
        }
        if let Some(id) = (!files.is_empty()).then(|| &files[usize::try_from(self.dice.throw(files.len() as u64)).unwrap()]) {
            self.sees_file(index, id).await?;
        }
        self.sees_issues(index, 2).await?;
        let over = self.tenants[index].active().unwrap().uploads.iter().find(|(_, at)| *at + 20 * HOUR <= self.world.now()).cloned();
        if let Some((id, _)) = over {
            let answered = self.read(index, &format!("{PATH}/uploads/{id}")).await?;
            if answered.status != StatusCode::NOT_FOUND {
                return self.broken("A-05", format!("an upload that is over was answered {}", answered.status), Some(index));
            }
        }
        Ok(())
    }

    pub async fn sees_setting(&mut self, index: usize, name: &str) -> Held {
        let answered = self.read(index, &format!("{CONFIGURATION}/{name}")).await?;
        let stored = self.tenants[index].active().unwrap().records.get(name).cloned();
        if answered.status != StatusCode::OK || Some(answered.text()) != stored {
            return self.broken("E-35", format!("{name} is {} {}, stored was {stored:?}", answered.status, answered.text()), Some(index));
        }
        Ok(())
    }

    pub async fn sees_file(&mut self, index: usize, id: &str) -> Held {
        let answered = self.read(index, &format!("{PATH}/{id}")).await?;
        let stored = self.tenants[index].active().unwrap().files.get(id).cloned().unwrap_or_default();
        if answered.status != StatusCode::OK || answered.body != stored {
            return self.broken("E-35", format!("file {id} is {} {}", answered.status, answered.text()), Some(index));
        }
        Ok(())
    }

    /// Promise E-35: a return in time loses nothing.
    pub async fn sees_everything(&mut self, index: usize) -> Held {
        let life = self.tenants[index].active().unwrap();
        let (names, files): (Vec<_>, Vec<_>) = (life.records.keys().cloned().collect(), life.files.keys().cloned().collect());
        for name in names {
            self.sees_setting(index, &name).await?;
        }
        for id in files {
            self.sees_file(index, &id).await?;
        }
        self.sees_issues(index, 5).await
    }

    /// Promise E-35: a next life begins with nothing.
    pub async fn sees_nothing(&mut self, index: usize) -> Held {
        let answered = self.read(index, &format!("{CONFIGURATION}/setting-0")).await?;
        self.expect(index, "a setting of the life before", answered.status, &[StatusCode::NOT_FOUND])?;
        self.sees_no_copies(index).await
    }
}
