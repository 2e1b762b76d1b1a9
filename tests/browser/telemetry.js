// Telemetry as a vendor would have it: the page's own view, errors through the SDK of Sentry's as it is on npm, and what becomes of the personal
// data that is planted in all of it. What counts is what reaches the doubles of the outside services: headers and body.
import assert from "node:assert/strict";

import { profile } from "./lib/browser.js";
import { APP, JIRA } from "./lib/host.js";
import { DAY } from "./lib/jira.js";
import { pageWithSdk } from "./lib/sdk.js";
import { claim } from "./lib/world.js";

/** What must never leave, by what it is. */
const PLANTS = {
  email: "ada.lovelace@acme.example",
  "another email": "grace+test@people.example.org",
  account: "5be24ad8b1653240376955d2",
  "another account": "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077",
  name: "Ada Lovelace",
  "another name": "Grace Hopper",
  token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4",
  password: "correct-horse-battery",
  address: "203.0.113.77",
  phone: "+44 20 7946 0958",
  // Put together, because no file of this repository names a folder of anybody's.
  home: ["", "Users", "ada.lovelace", ""].join("/"),
  query: "jql=assignee",
};

/** The same, as addresses write them. */
const written = (plant) => [plant, encodeURIComponent(plant), plant.replaceAll(" ", "+")];

/** No header is more than a program needs that posts. */
const HEADERS = ["accept", "content-length", "content-type", "host"];

/** The lists that the small Jira shows, whole. */
async function telemetry() {
  const answer = await fetch(`${JIRA}/play/telemetry`);
  const { arrived, sinks, usage } = await answer.json();
  return { arrived, usage, ...Object.fromEntries(sinks.map(({ key, received }) => [key, received])) };
}

/** Waits until so many requests to a service are shown, and returns them, the oldest first. */
async function received(jira, sink, count) {
  await jira.page.locator(`#sinks [data-sink="${sink}"] .item`).nth(count - 1).waitFor();
  return (await telemetry())[sink].reverse();
}

const names = ({ headers }) => headers.map(([name]) => name).sort();

/** What the page says of itself under a name. */
async function metas(address) {
  const html = await (await fetch(address)).text();
  const meta = (name) => html.match(new RegExp(`<meta name="${name}" content="([^"]+)"`))[1];
  return { token: meta("lethe-page-token"), dsn: meta("lethe-browser-errors") };
}

claim("a page that is seen is told to Google Analytics as page, referrer and tenant, and nothing of whoever sees it", async ({ jira }) => {
  await jira.does("install");
  const [own] = await received(jira, "ga4", 1);
  assert.deepEqual([own.status, own.complaint], [204, null]);
  const view = JSON.parse(own.body);
  assert.deepEqual(Object.keys(view).sort(), ["client_id", "events"]);
  assert.equal(view.events.length, 1);
  assert.equal(view.events[0].name, "page_view");
  assert.match(view.events[0].params.page_location, /\/test-management\/page$/);

  await jira.page.locator('[data-telemetry="view"]').click();
  await jira.said.getByText("page-views answers 204").waitFor();
  const all = await received(jira, "ga4", 2);
  const { client_id, events: [{ params, ...event }] } = JSON.parse(all[1].body);
  assert.deepEqual(event, { name: "page_view" });
  assert.deepEqual(Object.keys(params).sort(), ["page_location", "page_referrer", "tenant"]);
  assert.match(params.tenant, /^[0-9a-f]{32}$/);
  assert.equal(params.tenant, view.events[0].params.tenant);
  assert.notEqual(client_id, view.client_id, "two views have one client");
  for (const request of all) {
    assert.deepEqual(names(request).filter((name) => !HEADERS.includes(name)), []);
    const text = JSON.stringify(request);
    for (const never of [PLANTS.email, PLANTS.account, "Mozilla", "jwt", "1280x900", "Ada"]) assert.ok(!text.includes(never), never);
  }
});

/** The page's own script: the SDK, and what a careless developer does with it. */
const script = ({ token, dsn }) => `
import * as Sentry from "@sentry/browser";
const plants = ${JSON.stringify(PLANTS)};
Sentry.init({ dsn: ${JSON.stringify(dsn)}, tunnel: "/test-management/browser-errors/${token}", sendDefaultPii: true, attachStacktrace: true, release: plants.email, environment: plants.name });
Sentry.setUser({ id: plants.account, email: plants.email, username: plants.name, ip_address: plants.address });
Sentry.setTags({ account: plants["another account"], token: plants.token });
Sentry.setExtras({ password: plants.password, phone: plants.phone, nested: { deep: [{ displayName: plants["another name"] }] } });
Sentry.setContext("profile", { displayName: plants.name, emailAddress: plants["another email"], home: plants.home });
console.warn("signed in as", plants.email, { accountId: plants.account });
await fetch("/sdk/other.js?email=" + encodeURIComponent(plants.email));
const button = Object.assign(document.createElement("button"), { title: plants.name, textContent: plants["another name"] });
button.setAttribute("aria-label", plants.email);
document.body.append(button);
button.click();
history.pushState({}, "", "?" + plants.query + "=" + plants.account);

function showAssignee() { throw new TypeError("Cannot show {\\"displayName\\":\\"" + plants.name + "\\"} with " + plants.email + " and account " + plants.account); }
async function loadWatchers() { throw new RangeError("watchers of /rest/api/3/user?" + plants.query + " by " + plants["another name"] + ": Bearer " + plants.token); }
function saveSettings() {
  try { showAssignee(); } catch (cause) { throw new Error("save failed for " + plants["another email"] + " from " + plants.address + " password=" + plants.password, { cause }); }
}
class OfAnother extends Error { name = "OfAnother"; }
function fromAnotherMachine() {
  const error = new OfAnother("call " + plants.phone + " or " + plants["another account"]);
  error.stack = "OfAnother: x\\n    at build (" + "file://" + plants.home + "project/app.js:7:9)\\n" + error.stack.split("\\n").slice(1).join("\\n");
  return error;
}
// One after the other: while the SDK reports an error it takes a rejection for the same one.
const rejected = new Promise((done) => addEventListener("unhandledrejection", done, { once: true }));
loadWatchers();
await rejected;
setTimeout(showAssignee);
setTimeout(saveSettings);
Sentry.captureException(fromAnotherMachine());
Sentry.captureMessage("user " + plants.name + " <" + plants.email + "> has signed in");
await Sentry.flush(5000);
document.title = "All of it is thrown";
`;

claim("errors full of personal data reach Sentry through its own SDK as errors, and without any of it", async ({ t, jira }) => {
  await jira.does("install");
  const page = await metas(await jira.pageAddress());
  const query = `?user=${encodeURIComponent(PLANTS.email)}`;
  const sdk = await pageWithSdk(t, { files: { "careless.js": script(page), "other.js": "" }, query });
  await sdk.waitForFunction(() => document.title === "All of it is thrown");
  const events = await received(jira, "sentry", 5);

  const cameIn = (await telemetry()).arrived.filter(({ sent }) => sent === "browser-errors").map(({ body }) => body).join("\n");
  for (const [what, plant] of Object.entries(PLANTS)) {
    assert.ok(written(plant).some((text) => cameIn.includes(text)), `the SDK has not sent the ${what}`);
    const lost = written(plant);
    for (const event of events) {
      const text = JSON.stringify(event).toLowerCase();
      for (const never of lost) assert.ok(!text.includes(never.toLowerCase()), `the ${what} has left: ${text}`);
    }
  }
  const left = JSON.stringify(events);
  for (const never of [page.token, "Mozilla", "breadcrumbs", "careless.js?", "ada.lovelace", "Lovelace", "Hopper"]) {
    assert.ok(!left.includes(never), `"${never}" has left`);
  }
  for (const event of events) {
    assert.deepEqual([event.status, event.complaint], [200, null]);
    assert.deepEqual(names(event).filter((name) => ![...HEADERS, "x-sentry-auth"].includes(name)), []);
  }

  const thrown = events.map(({ body }) => JSON.parse(body.split("\n")[2]));
  /** The exceptions of the event whose last one is of this type and says this. */
  const found = (type, says) => {
    const event = thrown.find(({ exception }) => exception.values.at(-1).type === type && says.test(exception.values.at(-1).value));
    assert.ok(event, `no ${type} says ${says}: ${left}`);
    return event.exception.values;
  };
  const frames = (exception) => exception.stacktrace.frames.map(({ function: name, filename, lineno }) => `${name} ${filename} ${lineno > 0}`);
  const hasOwn = (exception, name) => assert.ok(frames(exception).includes(`${name} ${APP}/sdk/careless.js true`), frames(exception).join());
  hasOwn(found("TypeError", /^Cannot show .* and account /).at(-1), "showAssignee");
  hasOwn(found("RangeError", /^watchers of \/rest\/api\/3\/user/).at(-1), "loadWatchers");
  const chain = found("Error", /^save failed for /);
  assert.deepEqual(chain.map(({ type }) => type), ["TypeError", "Error"]);
  hasOwn(chain.at(-1), "saveSettings");
  const another = frames(found("OfAnother", /^call /).at(-1));
  assert.ok(another.some((frame) => frame.includes("project/app.js")), another.join());
  found("Error", /has signed in$/);
  for (const { contexts } of thrown) assert.match(contexts.browser.name, /^Chrome/);
  t.diagnostic(`${events.length} errors, ${cameIn.length} characters came in, ${events.reduce((sum, { bytes }) => sum + bytes, 0)} bytes left`);
});

/** Throws more than is reported, and a rejection among the first. */
const FAILING = `
addEventListener("unhandledrejection", () => {
  for (let time = 0; time < 8; time += 1) setTimeout(function fail() { throw new TypeError("failure " + time); });
  setTimeout(() => (document.title = "All of it is thrown"));
});
async function reject() { throw new Error("not caught"); }
reject();
`;

claim("what the page itself does not catch is reported, five times at most", async ({ t, jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  const address = await jira.pageAddress();
  // Alone, in a profile that nobody listens to: it throws.
  const context = await profile();
  t.after(() => context.close());
  await context.route(`${APP}/failing.js`, (route) => route.fulfill({ contentType: "text/javascript", body: FAILING }));
  const page = await context.newPage();
  const posted = [];
  page.on("request", (request) => request.url().includes("/browser-errors/") && posted.push(request));
  await page.goto(address);
  await page.addScriptTag({ url: `${APP}/failing.js` });
  await page.waitForFunction(() => document.title === "All of it is thrown");
  const events = await received(jira, "sentry", 5);
  assert.equal(posted.length, 5);
  const thrown = events.map(({ body }) => JSON.parse(body.split("\n")[2]).exception.values[0]);
  assert.deepEqual(thrown.map(({ type, value }) => `${type}: ${value}`).sort(), [...[0, 1, 2, 3].map((time) => `TypeError: failure ${time}`), "Error: not caught"].sort());
  for (const { stacktrace } of thrown) assert.equal(stacktrace.frames.at(-1).filename, `${APP}/failing.js`);
});

claim("the small Jira shows what came in, what has left and what is counted, until the salt is gone", async ({ jira }) => {
  const root = jira.page.locator("#telemetry");
  await jira.does("install");
  await jira.editor.ready();
  await root.locator('[data-telemetry="error"]').click();
  await jira.said.getByText("browser-errors answers 200").waitFor();
  await jira.idle();
  const arrived = root.locator("#arrived .item", { hasText: "Something failed" });
  await arrived.locator("summary").click();
  await arrived.locator("pre").getByText(PLANTS.email).first().waitFor();
  const left = root.locator('#sinks [data-sink="sentry"] .item');
  await left.locator("summary").click();
  await left.locator("pre").getByText("Cannot read properties of undefined").waitFor();
  assert.ok(!(await left.innerText()).includes(PLANTS.email));
  await root.locator("#arrived .item", { hasText: "A page was seen" }).first().waitFor();

  await root.locator('#counters tr[data-function="page"]').waitFor();
  await root.locator("#salts dt").first().waitFor();
  const [{ id }] = (await telemetry()).usage.counters;
  assert.match(id, /^[0-9a-f]{32}$/);
  await jira.later(DAY);
  await jira.later(DAY);
  const closed = root.locator("#reports section");
  await root.locator('[data-telemetry="report"]').click();
  await closed.first().getByText("by 5 tenants or more").waitFor();
  const { salts } = (await telemetry()).usage;
  assert.ok(salts.length <= 2, salts.join());
});
