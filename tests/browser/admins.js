// Two administrators at once: nobody overwrites what somebody else wrote without having seen it, and nobody loses what they typed.
import assert from "node:assert/strict";

import { Jira } from "./lib/jira.js";
import { claim } from "./lib/world.js";

const PATH = "/test-management/configuration/limits";

/** Two tabs with the same setting. */
async function two(jira, context) {
  await jira.does("install");
  await jira.stores("limits", '{"runs": 10}');
  const other = await Jira.open(context);
  await other.editor.shows("limits", '{"runs": 10}');
  return [jira.editor, other.editor];
}

async function save(editor, json) {
  await editor.value.fill(json);
  await editor.root.locator("#save").click();
}

claim("whoever saves second is told, and keeps what was typed", async ({ jira, context, faults }) => {
  const [first, second] = await two(jira, context);
  await first.edit("limits");
  await second.edit("limits");
  await save(first, '{"runs": 20}');
  await first.says("limits is saved");

  faults.provoke(412, PATH);
  await save(second, '{"runs": 30}');
  await second.says(/Not saved: limits was changed by somebody else/);
  assert.equal(await second.value.inputValue(), '{"runs": 30}');
  await second.shows("limits", '{"runs": 20}');
  assert.equal(await second.root.locator("#conflict pre").innerText(), '{"runs": 20}');

  await second.root.locator("#save").click();
  await second.says("limits is saved");
  await second.shows("limits", '{"runs": 30}');
});

claim("cancelling a conflict keeps what the other stored", async ({ jira, context, faults }) => {
  const [first, second] = await two(jira, context);
  await second.edit("limits");
  await first.edit("limits");
  await save(first, '{"runs": 20}');
  await first.says("limits is saved");
  faults.provoke(412, PATH);
  await save(second, '{"runs": 30}');
  await second.says(/Not saved/);
  await second.root.locator("#cancel").click();
  await second.root.locator("#editor").waitFor({ state: "hidden" });
  await second.shows("limits", '{"runs": 20}');
});

claim("two who add the same name do not overwrite each other", async ({ jira, context, faults }) => {
  const [first, second] = await two(jira, context);
  await second.root.locator("#add").click();
  await second.name.fill("theme");
  await first.store("theme", '"blue"');
  faults.provoke(412, "/test-management/configuration/theme");
  await save(second, '"red"');
  await second.says(/Not saved: theme is there already/);
  assert.equal(await second.value.inputValue(), '"red"');
  await second.shows("theme", '"blue"');
});

claim("who deletes what was changed meanwhile is told, and it stays", async ({ jira, context, faults }) => {
  const [first, second] = await two(jira, context);
  await first.edit("limits");
  await save(first, '{"runs": 20}');
  await first.says("limits is saved");
  faults.provoke(412, PATH);
  await second.setting("limits").locator("[data-delete]").click();
  await second.setting("limits").locator("[data-confirm-delete]").click();
  await second.says(/was not deleted/);
  await second.shows("limits", '{"runs": 20}');
});

claim("who changes what was deleted meanwhile is told, and may add it anew", async ({ jira, context, faults }) => {
  const [first, second] = await two(jira, context);
  await second.edit("limits");
  await first.setting("limits").locator("[data-delete]").click();
  await first.setting("limits").locator("[data-confirm-delete]").click();
  await first.says("limits is deleted");
  faults.provoke(412, PATH);
  faults.provoke(404, PATH);
  await save(second, '{"runs": 30}');
  await second.says(/was deleted by somebody else/);
  assert.equal(await second.value.inputValue(), '{"runs": 30}');
  await second.root.locator("#save").click();
  await second.says("limits is saved");
});

claim("what is no JSON is not sent, and the fault is told at the field", async ({ jira }) => {
  await jira.does("install");
  const { editor } = jira;
  await editor.root.locator("#add").click();
  await editor.name.fill("limits");
  await save(editor, "{runs: 10}");
  await editor.root.locator("#value-error").getByText("not JSON").waitFor();
  assert.equal(await editor.value.getAttribute("aria-invalid"), "true");
  assert.equal(await editor.value.inputValue(), "{runs: 10}");
  await editor.name.fill("a/b");
  await editor.root.locator("#save").click();
  await editor.root.locator("#name-error").getByText("must be").waitFor();
  assert.equal(await editor.settings.locator("[data-name]").count(), 0);
});
