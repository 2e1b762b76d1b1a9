// What others wrote is text, wherever it is shown.
import assert from "node:assert/strict";

import { JIRA } from "./lib/host.js";
import { Jira } from "./lib/jira.js";
import { claim } from "./lib/world.js";

const SCRIPT = "<script>window.__pwned=1</script>";
const SETTING = JSON.stringify({
  "<img src=x onerror='window.__pwned=1;alert(1)'>": SCRIPT,
  "</pre></textarea><svg onload=alert(1)>": ["javascript:alert(1)", "{{7*7}}${7*7}", `</script>${SCRIPT}`],
  iframe: "<iframe srcdoc='<script>parent.__pwned=1</script>'></iframe>",
});

/** Nothing ran and nothing was made of it, in any frame. */
async function nothingRan(jira) {
  for (const frame of jira.page.frames()) {
    assert.equal(await frame.evaluate(() => window.__pwned), undefined, frame.url());
    assert.equal(await frame.locator("img, svg[onload], iframe[srcdoc], [onerror]").count(), 0, frame.url());
  }
}

claim("script in every string of a setting is shown as text", async ({ jira }) => {
  await jira.does("install");
  await jira.stores("hostile", SETTING);
  for (const user of ["max", "ada"]) {
    await jira.becomes(user);
    await jira.editor.root.locator(`body[data-may-administer="${user === "ada"}"]`).waitFor();
    await jira.editor.shows("hostile", SETTING);
    await nothingRan(jira);
  }
});

claim("script in a setting is text in what the tenant sees and in the log", async ({ jira }) => {
  await jira.does("install");
  await jira.stores("hostile", SETTING);
  await jira.seen.getByText(SCRIPT).first().waitFor();
  await nothingRan(jira);
});

claim("script in a setting is text in the editor and in a conflict", async ({ jira, context, faults }) => {
  await jira.does("install");
  await jira.stores("hostile", '"harmless"');
  const other = await Jira.open(context);
  await other.editor.ready();
  await jira.editor.edit("hostile");
  await other.editor.edit("hostile");
  await other.editor.value.fill(SETTING);
  await other.editor.root.locator("#save").click();
  await other.editor.says("is saved");
  faults.provoke(412, "/test-management/configuration/hostile");
  await jira.editor.value.fill('"mine"');
  await jira.editor.root.locator("#save").click();
  await jira.editor.root.locator("#conflict").getByText(SETTING).waitFor();
  await nothingRan(jira);
  await other.editor.edit("hostile");
  assert.equal(await other.editor.value.inputValue(), SETTING);
  await nothingRan(other);
});

claim("script in an address of the small Jira is not run", async ({ jira }) => {
  await jira.page.goto(`${JIRA}/?site=${encodeURIComponent(SCRIPT)}#${encodeURIComponent(SCRIPT)}`);
  await jira.idle();
  await jira.stands("Not installed");
  await nothingRan(jira);
});
