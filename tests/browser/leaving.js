// The end of a subscription by clicks: the countdown, what operators do meanwhile, and the proof that anybody can verify.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { JIRA, verify } from "./lib/host.js";
import { DAY, HOUR } from "./lib/jira.js";
import { claim } from "./lib/world.js";

/** How far the points of the countdown are, in the order of the page. */
const far = (jira) => jira.leaving.locator("#way .far").allInnerTexts();

/** The point of the countdown that is reached. */
const reached = (jira) => jira.leaving.locator("#way [aria-current=step]").getAttribute("data-point");

/** Rows of a table by what they are about, and how many of it there are. */
async function counts(rows) {
  const all = await rows.evaluateAll((found) => found.map(({ dataset }) => [dataset.what, Number(dataset.count)]));
  return new Map(all);
}

/** Presses a link and returns the file that it leads to. */
async function saved({ page }, link) {
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

claim("whoever leaves sees how long everything is kept, and a return in time ends the countdown", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  await jira.later(30 * DAY);
  for (const part of [jira.leaving, jira.proof, jira.gone]) assert.ok(await part.isHidden());
  assert.doesNotMatch(await jira.page.locator("#calls").innerText(), /erasure/, "nobody asks operators about a site that never left");

  await jira.does("leave");
  assert.deepEqual(await far(jira), ["within the last day", "in 110 days", "in 110 days", "in 127 days", "in 165 days", "in 180 days"]);
  assert.equal(await reached(jira), "left");
  assert.match(await jira.page.locator("#calls").innerText(), /erasure/, "what operators ask is in the log");
  await jira.later(30 * DAY);
  assert.deepEqual(await far(jira), ["30 days ago", "in 80 days", "in 80 days", "in 97 days", "in 135 days", "in 150 days"]);
  await jira.leaving.getByText("Kept for a return").waitFor();

  await jira.visits("globex");
  for (const part of [jira.leaving, jira.proof]) assert.ok(await part.isHidden(), "another site has not left");
  await jira.visits("acme");
  await jira.leaving.waitFor();

  await jira.does("install");
  await jira.said.getByText("has come back").waitFor();
  for (const part of [jira.leaving, jira.proof, jira.gone]) assert.ok(await part.isHidden());
});

claim("a leave soon after the installation is in doubt until the site is asked", async ({ jira }) => {
  await jira.does("install");
  await jira.does("leave");
  await jira.leaving.getByText("the site itself is asked").waitFor();
  assert.ok(await jira.operator("early-deletion").isDisabled(), "nothing is deleted of whoever may be there");
  await jira.later(30 * DAY);
  await jira.leaving.getByText("Whoever comes back in time finds everything").waitFor();
  assert.doesNotMatch(await jira.leaving.innerText(), /itself is asked/);
});

claim("a hold makes the purge wait, and lifting it starts the purge", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  await jira.later(30 * DAY);
  await jira.does("leave");
  await jira.skips(100 * DAY);
  await jira.later(HOUR);
  await jira.leaving.locator("#hold").getByText("Nothing makes the purge wait").waitFor();
  assert.ok(await jira.operator("lift").isDisabled());

  await jira.leaving.locator("#hold-reason").selectOption("dispute");
  await jira.operates("hold");
  const hold = await jira.leaving.locator("#hold").innerText();
  assert.match(hold, /assumed-role\/lethe-operator\/play/);
  assert.match(hold, /dispute/);
  assert.equal((await far(jira))[1], "in 30 days", "a hold keeps the way back open, too");
  assert.ok(await jira.operator("early-deletion").isDisabled());

  await jira.skips(15 * DAY);
  await jira.later(HOUR);
  await jira.leaving.locator("#leaving-stage").getByText("Held", { exact: true }).waitFor();
  assert.ok(await jira.gone.isHidden(), "the purge did not wait");

  // From now on the purge may begin at any moment.
  await jira.operates("lift");
  await jira.later(DAY);
  await jira.gone.waitFor();
  await jira.proof.locator("#certificate").getByText("dispute, from").waitFor();
});

claim("earlier deletion has a receipt, deletes what the dry run said, and its certificate verifies byte for byte", async ({ t, jira, context }) => {
  await jira.does("install");
  await jira.stores("release-gates", '"four eyes"');
  await jira.stores("run-retention", '"two releases"');
  const file = { name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from("a plan") };
  await jira.editor.root.locator("input#file").setInputFiles(file);
  await jira.editor.root.locator("#attachments-list [data-attachment]").filter({ hasText: file.name }).waitFor();
  const token = new URL(await jira.pageAddress()).searchParams.get("jwt");
  const { iss: clientKey } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  await jira.later(30 * DAY);
  await jira.does("leave");
  // By then TTL has taken what would have gone without a purge, or it might go between the promise and the purge.
  await jira.skips(4 * DAY);
  await jira.later(DAY);

  await jira.operates("dry-run");
  await jira.leaving.locator("#dry-run").getByText("the app was uninstalled on").waitFor();
  const promised = await counts(jira.leaving.locator("#dry-run-rows tr"));
  assert.deepEqual(["tenant-keys", "account", "configuration", "attachment", "sealed-versions"].map((what) => promised.get(what)), [1, 1, 2, 1, 1]);

  await jira.operates("early-deletion");
  const receipt = await jira.leaving.locator("#receipt").innerText();
  assert.match(receipt, /Receipt\s+[0-9a-f]{32}/);
  assert.ok(await jira.gone.isHidden(), "asking is not deleting");
  await jira.later(DAY);
  await jira.gone.waitFor();
  assert.match(await jira.gone.innerText(), /What backups still hold cannot be read after/);
  await jira.operates("early-deletion");
  assert.equal(await jira.leaving.locator("#receipt").innerText(), receipt, "the receipt is always the same");
  assert.equal(await reached(jira), "keys");

  await jira.proof.waitFor();
  const deleted = await counts(jira.proof.locator("#deleted tr"));
  assert.deepEqual(promised, new Map([...deleted].filter(([, count]) => count > 0)), "the certificate says what the dry run said");

  const certificate = await saved(jira, jira.proof.locator("#certificate-file"));
  const keys = await saved(jira, jira.proof.getByText("certificate-keys.json"));
  assert.deepEqual([certificate.name, keys.name], ["certificate.json", "certificate-keys.json"]);
  const status = await jira.page.evaluate(async () => (await fetch("/play/sites/acme/leaving")).text());
  assert.ok(status.includes(certificate.bytes.toString()), "the certificate is not what the function handed out");

  const folder = await mkdtemp(path.join(tmpdir(), "lethe-proof-"));
  t.after(() => rm(folder, { recursive: true }));
  const at = path.join(folder, certificate.name);
  await writeFile(path.join(folder, keys.name), keys.bytes);
  await writeFile(at, certificate.bytes);
  assert.equal(await jira.proof.locator("#certificate-command").innerText(), `cargo run -p local -- verify ${certificate.name}`);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: JIRA });
  await jira.page.locator("#certificate-copy").click();
  await jira.said.getByText("The command is copied").waitFor();
  assert.equal(await jira.page.evaluate(() => navigator.clipboard.readText()), `cargo run -p local -- verify ${certificate.name}`);
  const salt = await jira.proof.locator("#salt").innerText();
  const whose = (slug) => verify(at, "--app", slug, "--client-key", clientKey, "--salt", salt);
  const good = await verify(at);
  assert.equal(good.code, 0, good.written);
  assert.match(good.written, /^VERIFIED/);
  assert.equal((await whose("test-management")).code, 0, "the salt shows whose it is");
  assert.equal((await verify(at, "--app", "test-management", "--client-key", "another", "--salt", salt)).code, 1);
  for (const place of [20, Math.floor(certificate.bytes.length / 2), certificate.bytes.length - 10]) {
    const changed = Buffer.from(certificate.bytes);
    changed[place] ^= 1;
    await writeFile(at, changed);
    const bad = await verify(at);
    assert.equal(bad.code, 1, bad.written);
    assert.match(bad.written, /NOT VERIFIED/);
  }
  await jira.does("install");
  await jira.said.getByText("begins anew").waitFor();
  for (const part of [jira.leaving, jira.proof, jira.gone]) assert.ok(await part.isHidden());
});

claim("an operator marks a site that vanished, and a word from the site undoes it", async ({ jira, faults }) => {
  assert.ok(await jira.operator("mark").isDisabled());
  await jira.does("install");
  await jira.editor.ready();
  faults.provoke(401, "/test-management/page");
  await jira.operates("mark");
  await jira.leaving.getByText("an operator marked it").waitFor();
  await jira.stands("Active");
  await jira.sees(401);
  assert.ok(await jira.operator("mark").isDisabled());
  await jira.leaving.getByText("a day in which a mistake shows").waitFor();
  assert.ok(await jira.operator("early-deletion").isDisabled());
  await jira.does("upgrade");
  await jira.leaving.waitFor({ state: "hidden" });
  await jira.sees(200);
});

claim("an operator without a mouse keeps the focus, or is given what comes next", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  await jira.does("leave");
  const focus = () => jira.page.evaluate(() => document.activeElement.id);
  await jira.operator("hold").press("Enter");
  await jira.leaving.locator("#hold").getByText("Placed by").waitFor();
  await jira.idle();
  assert.equal(await focus(), "hold-place");
  await jira.operator("lift").press("Enter");
  await jira.leaving.locator("#hold").getByText("Before").waitFor();
  await jira.idle();
  assert.equal(await focus(), "leaving-title", "the button that was pressed makes no sense any more");
});

claim("what the operators' function answers is shown as text, whatever it is", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  await jira.later(30 * DAY);
  await jira.does("leave");
  await jira.operates("early-deletion");
  await jira.later(DAY);
  await jira.gone.waitFor();
  const markup = "<img src=x onerror=window.__pwned=1>";
  const plain = (name, value) => typeof value !== "string" || name === "stage" || name === "tenantId" || /^\d{4}-/.test(value);
  await jira.page.route("**/leaving", async (route) => {
    const answer = await route.fetch();
    const hold = { placedBy: "somebody", reason: "a reason", placedAt: "2020-01-01T00:00:00Z", until: "2020-02-01T00:00:00Z", suspendsThePromise: true };
    const status = await answer.json();
    for (const departure of status.departures) Object.assign(departure, { stage: "marked", hold });
    await route.fulfill({ json: JSON.parse(JSON.stringify(status), (name, value) => (plain(name, value) ? value : markup)) });
  });
  await jira.page.route("**/leaving/early-deletion", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ json: { ...(await answer.json()), receipt: markup } });
  });
  await jira.later(HOUR);
  await jira.leaving.locator("#hold").getByText(markup).first().waitFor();
  await jira.leaving.locator("#leaving-said").getByText(markup).waitFor();
  await jira.proof.locator("#certificate").getByText(markup).first().waitFor();
  await jira.proof.locator("#deleted").getByText(markup).first().waitFor();
  await jira.proof.locator("#salt").getByText(markup).waitFor();
  for (const frame of jira.page.frames()) {
    assert.equal(await frame.evaluate(() => window.__pwned), undefined);
    assert.equal(await frame.locator("img, [onerror]").count(), 0);
  }
});

claim("what the operators' function refuses is said, and the page goes on", async ({ jira, context, faults }) => {
  await jira.does("install");
  await jira.editor.ready();
  await jira.later(30 * DAY);
  await jira.does("leave");
  // Somebody else places a hold just before.
  await jira.page.route("**/leaving/early-deletion", async (route) => {
    const placed = await context.request.post(`${JIRA}/play/sites/acme/leaving/hold`, { data: { reason: "investigation" } });
    assert.equal(placed.status(), 200);
    await route.continue();
  });
  faults.provoke(409, "/leaving/early-deletion");
  await jira.operator("early-deletion").click();
  await jira.idle();
  assert.match(await jira.said.innerText(), /a hold stands; it must be lifted first/);
  await jira.later(HOUR);
  await jira.leaving.locator("#hold").getByText("investigation").waitFor();
});
