// Who may do what: a member reads, and is told so when trying more; who is not logged in gets a page without data.
import assert from "node:assert/strict";

import { HOUR } from "./lib/jira.js";
import { claim } from "./lib/world.js";

/** Tries to change a setting from within the page, with the pass that the site gives to its user. */
const change = () =>
  new Promise((resolve) => AP.context.getToken(resolve)).then(async (token) => {
    const headers = { authorization: `JWT ${token}`, "content-type": "application/json" };
    const answer = await fetch("configuration/theme", { method: "PUT", headers, body: '"red"' });
    return { status: answer.status, problem: await answer.json() };
  });

claim("a member reads the settings and has nothing to change them with", async ({ jira }) => {
  await jira.does("install");
  await jira.stores("theme", '"blue"');
  await jira.becomes("max");
  await jira.editor.root.locator('body[data-may-administer="false"]').waitFor();
  await jira.editor.shows("theme", '"blue"');
  for (const control of ["#editor", "#add", "#save", "[data-edit]", "[data-delete]", "input:not(#file)", "textarea"]) {
    assert.equal(await jira.editor.root.locator(control).count(), 0, control);
  }
  await jira.editor.root.getByText("Administrators of the site can change it").waitFor();
});

claim("a member who writes all the same is told that it is not allowed", async ({ jira, faults }) => {
  await jira.does("install");
  await jira.stores("theme", '"blue"');
  await jira.becomes("max");
  await jira.editor.root.locator('body[data-may-administer="false"]').waitFor();
  faults.provoke(403, "/test-management/configuration/theme");
  const { status, problem } = await jira.frame().evaluate(change);
  assert.equal(status, 403);
  assert.match(problem.type, /forbidden$/);
  assert.match(`${problem.title} ${problem.detail}`, /administ/);
  await jira.becomes("ada");
  await jira.editor.shows("theme", '"blue"');
});

claim("who is not logged in sees a plain page without data", async ({ jira, faults }) => {
  await jira.does("install");
  await jira.stores("theme", '"blue"');
  faults.provoke(403, "/test-management/page");
  await jira.becomes("nobody");
  const refused = jira.editor.root.locator("main#refused");
  await refused.waitFor();
  assert.match(await refused.innerText(), /Log in/);
  assert.equal(await jira.editor.root.locator("script, form, [data-class], [data-name]").count(), 0);
  assert.doesNotMatch(await jira.frame().content(), /theme|blue|acme/);
});

claim("a site that does not say who administers it has a page for reading only", async ({ jira, faults }) => {
  await jira.does("install");
  await jira.stores("theme", '"blue"');
  await jira.suffers("broken");
  // What the site said within the last minute still counts.
  await jira.later(HOUR);
  const { editor } = jira;
  await editor.root.locator('body[data-may-administer="unknown"]').waitFor();
  await editor.root.locator(".notice", { hasText: "did not say whether you administer it" }).waitFor();
  await editor.shows("theme", '"blue"');
  assert.equal(await editor.root.locator("#editor, #add, [data-edit]").count(), 0);
  faults.provoke(503, "/test-management/configuration/theme");
  const { status } = await jira.frame().evaluate(change);
  assert.equal(status, 503);
});

claim("a user who is chosen while the small Jira is busy is the one whose page is shown", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  const release = await jira.holds("**/play/calls");
  await jira.page.locator('[data-doing="upgrade"]').click();
  await release.held;
  await jira.chooses("user", "max");
  release();
  await jira.editor.root.locator('body[data-may-administer="false"]').waitFor();
});

claim("a trouble that is chosen while the small Jira is busy befalls the site", async ({ jira }) => {
  await jira.does("install");
  const release = await jira.holds("**/play/calls");
  await jira.page.locator('[data-doing="upgrade"]').click();
  await release.held;
  await jira.chooses("trouble", "broken");
  release();
  await jira.said.getByText("answers 500 from now on").waitFor();
  await jira.idle();
  assert.equal(await jira.page.locator("select#trouble").inputValue(), "broken");
});

claim("nothing can be pressed while the app's page loads, whatever it was loaded for", async ({ jira }) => {
  await jira.does("install");
  const pressable = jira.page.locator("button:enabled");
  assert.ok((await pressable.count()) > 0);
  for (const [list, value] of [["user", "max"], ["trouble", "broken"], ["site", "acme"]]) {
    const release = await jira.holds("**/test-management/page?*");
    await jira.chooses(list, value);
    await release.held;
    // Whatever else is shown is there by now.
    await jira.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    assert.equal(await pressable.count(), 0, `${list}: a page that loads can be overtaken`);
    release();
    await jira.idle();
    assert.ok((await pressable.count()) > 0, list);
  }
});
