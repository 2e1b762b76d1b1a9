// The whole story of one customer, by clicks: from the first installation to "it is gone", and a new beginning.
import assert from "node:assert/strict";

import { DAY, LONGEST_MOVE } from "./lib/jira.js";
import { claim } from "./lib/world.js";

const NAME = "release-gates";
const SECRET = "four eyes before every release";
const VALUE = JSON.stringify({ gate: SECRET, minimum: 12345678901234567890n.toString() });

/** What lies in the tables, with everything that can be opened opened. */
async function tables(jira) {
  await jira.stored.locator("details").evaluateAll((all) => all.forEach((one) => (one.open = true)));
  return jira.stored.innerText();
}

claim("what an administrator stores is sealed, survives all that Jira does, and is gone for good in the end", async ({ jira, context, faults }) => {
  const { editor } = jira;
  await jira.stands("Not installed");
  assert.equal(await editor.root.locator("main").count(), 0);
  await jira.does("install");
  await jira.stands("Active");
  await editor.ready();
  await editor.root.locator('#holdings [data-class="customer-uploaded"]').getByText("Configuration").waitFor();
  await editor.root.locator('#dates time[data-date="gone-by"]').waitFor();

  await jira.stores(NAME, VALUE);
  await editor.shows(NAME, VALUE);
  await jira.seen.getByText(SECRET).waitFor();
  await jira.stored.locator("h3", { hasText: "configuration" }).waitFor();
  const lying = await tables(jira);
  for (const plain of [NAME, SECRET, "1234567890123"]) assert.ok(!lying.includes(plain), `"${plain}" lies in the tables`);
  assert.match(await jira.stored.locator("dd.sealed").first().innerText(), /[0-9A-Za-z+/=]{40,}/);

  const call = jira.page.locator("#calls tr", { hasText: "PUT /test-management/configuration" });
  assert.match(await call.innerText(), /dynamodb/i);
  assert.ok(!(await jira.page.locator("#calls").innerText()).includes(NAME), "the log holds a name that a customer gave");

  for (const doing of ["upgrade", "rename", "rotate", "disable", "enable"]) {
    await jira.does(doing);
    await jira.stands(doing === "disable" ? "Disabled" : "Active");
    await editor.shows(NAME, VALUE);
    await jira.sees(200);
  }
  await jira.stores("after-all-that", "true");

  const address = await jira.pageAddress();
  await jira.does("leave");
  await jira.stands("Left");
  await jira.sees(401);
  await jira.page.locator("#absent").waitFor();
  faults.provoke(401, "/test-management/page");
  const tab = await context.newPage();
  assert.equal((await tab.goto(address)).status(), 401);
  await tab.locator("main#refused").waitFor();
  await tab.close();
  assert.ok(await jira.gone.isHidden());

  await jira.later(30 * DAY);
  await jira.does("install");
  await jira.said.getByText("has come back").waitFor();
  await editor.shows(NAME, VALUE);
  await editor.shows("after-all-that", "true");
  await jira.sees(200);

  await jira.does("leave");
  await jira.later(30 * DAY);
  assert.ok(await jira.gone.isHidden(), "gone after 30 days");
  // The purge comes by every hour: whether it has done so at the end of day 110 is not said.
  await jira.later(110 * DAY);
  await jira.later(DAY);
  await jira.gone.waitFor();
  await jira.later(DAY);
  await jira.gone.waitFor();
  await jira.sees(401);

  await jira.does("install");
  await jira.said.getByText("begins anew").waitFor();
  await jira.gone.waitFor({ state: "hidden" });
  await editor.ready();
  assert.equal(await editor.settings.locator("[data-name]").count(), 0);
  await jira.sees(200);
  assert.doesNotMatch(await jira.seen.innerText(), new RegExp(`${NAME}|${SECRET}|after-all-that`));
});

claim("a page that was open when the customer left shows nothing new", async ({ jira, context, faults }) => {
  await jira.does("install");
  await jira.stores(NAME, VALUE);
  const address = await jira.pageAddress();
  const other = await context.newPage();
  await other.goto(address);
  await jira.does("leave");
  faults.provoke(401, "/test-management/page");
  await other.reload();
  await other.locator("main#refused").waitFor();
});

claim("two customers live beside each other, and one leaving does not touch the other", async ({ jira }) => {
  await jira.does("install");
  await jira.stores(NAME, VALUE);
  await jira.visits("globex");
  await jira.stands("Not installed");
  await jira.does("install");
  await jira.editor.ready();
  assert.equal(await jira.editor.settings.locator("[data-name]").count(), 0);
  await jira.does("leave");
  for (const days of [110, 1]) await jira.later(days * DAY);
  await jira.gone.waitFor();
  await jira.visits("acme");
  await jira.gone.waitFor({ state: "hidden" });
  await jira.stands("Active");
  await jira.editor.shows(NAME, VALUE);
});

claim("the guide alone leads from the first click to the proof, and every step is done in the end", async ({ t, jira }) => {
  const next = jira.page.locator("#guide button[data-next=true]:enabled");
  const steps = [];
  while (steps.length < 8) {
    await next.waitFor();
    const step = await next.getAttribute("data-step");
    assert.ok(!steps.includes(step), `step ${step} is to be done twice`);
    steps.push(step);
    assert.equal(await jira.gone.isHidden(), steps.length <= 6, `before step ${step}`);
    await next.click();
    if (step === "2") {
      await jira.editor.ready();
      await jira.stores(NAME, VALUE);
    }
    await jira.page.locator("#guide li.done").nth(steps.length - 1).waitFor({ timeout: LONGEST_MOVE });
    await jira.idle();
  }
  assert.deepEqual(steps, ["1", "2", "3", "4", "5", "6", "7", "8"]);
  assert.equal(await next.count(), 0);
  assert.match(await jira.page.evaluate(() => document.activeElement.id), /^proof-title$/);
  await jira.gone.getByText("Nothing of it can be read here any more").waitFor();
  await jira.proof.locator("#salt").getByText(/^[0-9a-f]{32}$/).waitFor();
  t.diagnostic(`${steps.length} clicks in the guide and 2 in the form, from the first to the certificate`);
});
