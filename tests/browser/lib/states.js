// The states that a person may see the small Jira and the app's page in, one after the other, in one world.
import { Issues } from "./issues.js";
import { DAY } from "./jira.js";

/** A value with a word that no line can hold, and one of many lines. */
const LONG = JSON.stringify({ word: "x".repeat(400), list: Array.from({ length: 30 }, (_, at) => `line ${at}`) }, null, 2);

/** Goes through the states and calls `look` in each, with a name for it and whether the app is shown. */
export async function inEveryState({ jira, faults }, look) {
  const { editor, page } = jira;
  await look("not installed", false);
  await jira.does("install");
  await look("installed, nothing set", true);
  await editor.store("theme", '{"colour": "blue"}');
  await editor.store("a-long.name_".repeat(10), LONG);
  await jira.idle();
  await editor.edit("theme");
  await editor.value.fill("{");
  await editor.root.locator("#save").click();
  await editor.root.locator("#value-error").getByText("not JSON").waitFor();
  await look("an administrator edits, and has made a mistake", true);
  await editor.root.locator("#cancel").click();
  await editor.setting("theme").locator("[data-delete]").click();
  await look("an administrator is asked whether to delete", true);
  const issues = new Issues(jira);
  await issues.keeps(["DEMO", "SECRET"], ["summary", "description", "status"]);
  await issues.creates({ project: "SECRET: Nothing for members", summary: "a-long-summary-".repeat(16), description: "x".repeat(300) });
  await issues.edits({ summary: "shorter", status: "In Progress" });
  await look("copies of an issue and what differs", true);
  await jira.becomes("max");
  await editor.root.locator('body[data-may-administer="false"]').waitFor();
  await issues.answered(403);
  await look("a member reads, and is refused the copies", true);
  faults.provoke(403, "/test-management/page");
  await jira.becomes("nobody");
  await editor.root.locator("main#refused").waitFor();
  await look("refused", true);
  await jira.becomes("ada");
  await jira.does("disable");
  await look("switched off", true);
  await jira.does("leave");
  await look("left, and kept for a return", false);
  await jira.operates("dry-run");
  await look("a dry run is open", false);
  await jira.operates("hold");
  await look("a hold stands", false);
  await jira.operates("lift");
  // Until the site was asked it is in doubt whether it has left, and nothing is hastened.
  await jira.later(DAY);
  await jira.operates("early-deletion");
  await look("earlier deletion is asked for", false);
  await jira.later(DAY);
  await jira.gone.waitFor();
  await jira.proof.waitFor();
  await page.locator("#stored details").evaluateAll((all) => all.forEach((one) => (one.open = true)));
  await look("purged, with a certificate", false);
}
