// What the page costs to load.
import assert from "node:assert/strict";

import { claim } from "./lib/world.js";

const HEAVIEST = 60_000;

claim("the page with all that it loads weighs less than 60 KB", async ({ t, jira, context }) => {
  const parts = new Map();
  const read = [];
  context.on("response", (answer) => {
    const type = answer.request().resourceType();
    if (answer.frame().parentFrame() && type !== "fetch") read.push(answer.body().then((body) => parts.set(new URL(answer.url()).pathname, body.length)));
  });
  await jira.does("install");
  await jira.editor.ready();
  await Promise.all(read);
  const all = [...parts.values()].reduce((sum, bytes) => sum + bytes, 0);
  t.diagnostic(`${[...parts].map(([path, bytes]) => `${path} ${bytes}`).join(", ")}: ${all} bytes`);
  const loaded = await jira.editor.root.locator("script[src], link[rel=stylesheet]").evaluateAll((all) => all.map((one) => new URL(one.src ?? one.href).pathname));
  assert.deepEqual([...parts.keys()].sort(), ["/test-management/page", ...loaded].sort());
  assert.ok(loaded.includes("/all.js") && loaded.length >= 3);
  assert.ok([...parts.values()].every((bytes) => bytes > 0) && all < HEAVIEST, `${all} bytes`);
});
