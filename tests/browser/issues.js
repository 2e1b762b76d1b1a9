// Issues by clicks: what is selected is kept twice and shown to those who see the project, and it is gone when the issue or its time is.
import assert from "node:assert/strict";

import { Issues } from "./lib/issues.js";
import { DAY } from "./lib/jira.js";
import { claim } from "./lib/world.js";

const FIRST = "Four eyes before every release";
const SECOND = "Four eyes, and a night in between";
const THIRD = "Four eyes, a night, and a freeze";

claim("an issue is kept as it is and as it was, and the difference is shown to those who see its project", async ({ jira }) => {
  const issues = new Issues(jira);
  await issues.selection.getByText("it is told nothing").waitFor();
  await jira.does("install");
  await issues.selection.getByText("by default none is selected").waitFor();
  const before = await issues.creates({ summary: FIRST });
  assert.equal(before, "DEMO-1");
  await issues.answered(404);

  await issues.keeps(["DEMO", "SECRET"], ["summary", "status", "assignee"]);
  await issues.selection.getByText("Of DEMO and SECRET: summary, status, assignee").waitFor();
  const secret = await issues.creates({ project: "SECRET: Nothing for members", summary: FIRST, description: "never selected" });
  await issues.answered(200);
  await issues.copies.locator('[data-copy="previous"]').getByText("There is none yet").waitFor();
  await issues.edits({ summary: SECOND, assignee: "Max, a member" });
  await issues.edits({ summary: THIRD, status: "In Progress" });
  const [latest, previous] = [await issues.copy("latest"), await issues.copy("previous")];
  assert.deepEqual([latest.summary, previous.summary], [THIRD, SECOND]);
  const difference = await issues.differs();
  assert.deepEqual(difference.summary, [SECOND, THIRD]);
  assert.ok("status" in difference && !("assignee" in difference), Object.keys(difference).join());
  const shown = await issues.copies.innerText();
  for (const never of [FIRST, "never selected", "people.example", "Max, a member"]) assert.ok(!shown.includes(never), `"${never}" is kept`);
  assert.ok((await issues.lying(FIRST, SECOND, THIRD, secret)) > 0);
  await issues.root.getByText("No messages wait in the app’s queue").waitFor();

  await jira.becomes("max");
  await issues.answered(403);
  assert.ok(!(await issues.copies.innerText()).includes(THIRD));
  await jira.becomes("ada");
  await issues.answered(200);

  await issues.presses("delete", `${secret} is deleted`);
  await issues.copies.getByText("Nothing is kept of it").waitFor();
  await issues.answered(404);
});

claim("a member changes what they see, the app changes it too, and moving it away ends the copies", async ({ jira }) => {
  const issues = new Issues(jira);
  await jira.does("install");
  await issues.keeps(["DEMO"], ["summary", "status"]);
  await jira.becomes("max");
  const key = await issues.creates({ summary: FIRST });
  await issues.answered(200);
  await issues.edits({ status: "Done" }, "save-as-app");
  await issues.root.locator("#issue-comment").fill("It is done");
  await issues.presses("comment", "comment_created was answered 204");
  assert.equal((await issues.copy("latest")).summary, FIRST);

  await jira.becomes("ada");
  await issues.looksAt(key);
  await issues.edits({ project: "SECRET: Nothing for members" });
  await issues.answered(404);
});

claim("thirty days after the last event nothing of an issue lies in the table", async ({ jira }) => {
  const issues = new Issues(jira);
  await jira.does("install");
  await issues.keeps(["DEMO"], ["summary"]);
  await issues.creates({ summary: FIRST });
  await issues.answered(200);
  await jira.later(DAY);
  assert.ok((await issues.lying(FIRST)) > 0);
  await jira.later(30 * DAY);
  await issues.answered(404);
  await issues.copies.getByText("Nothing of this site lies in the table of copies").waitFor();
});

claim("whoever selects nothing any more has nothing kept", async ({ jira }) => {
  const issues = new Issues(jira);
  await jira.does("install");
  await issues.keeps(["DEMO"], ["summary"]);
  await issues.creates({ summary: FIRST });
  await issues.answered(200);
  await issues.presses("deselect", "keeps nothing");
  await issues.selection.getByText("by default none is selected").waitFor();
  await jira.later(3_600);
  await issues.answered(404);
});

claim("script in an issue is shown as text, in the list and in its copies", async ({ jira }) => {
  const issues = new Issues(jira);
  const script = "<img src=x onerror=window.__pwned=1>";
  await jira.does("install");
  await issues.keeps(["DEMO"], ["summary", "description"]);
  await issues.creates({ summary: script, description: "<script>window.__pwned=1</script>" });
  await issues.edits({ summary: `${script}${script}` });
  assert.deepEqual((await issues.differs()).summary, [script, `${script}${script}`]);
  assert.equal(await issues.root.locator("img, script").count(), 0);
  assert.equal(await jira.page.evaluate(() => window.__pwned), undefined);
});
