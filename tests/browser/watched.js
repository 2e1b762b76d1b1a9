// That the collector of faults sees each kind of fault, at the top and in the app's frame: the other tests lean on it.
import assert from "node:assert/strict";

import { profile } from "./lib/browser.js";
import { Faults } from "./lib/faults.js";
import { Jira } from "./lib/jira.js";
import { claim } from "./lib/world.js";

const PROVOKED = {
  "console: error: provoked": () => console.error("provoked"),
  "console: warning: provoked": () => console.warn("provoked"),
  "page error: Error: provoked": () => void setTimeout(() => { throw new Error("provoked"); }),
  "page error: Error: not handled": () => void Promise.reject(new Error("not handled")),
  // Browsers do not let frames of another origin open one, and say so.
  "dialog: provoked|console: error: Ignored call to 'alert": () => void setTimeout(() => alert("provoked")),
  "violation: connect-src stopped": () => void fetch("http://127.0.0.1:9/").catch(() => {}),
  "violation: script-src-elem stopped inline": () => void document.head.append(Object.assign(document.createElement("script"), { textContent: "1" })),
  "violation: style-src-attr stopped inline": () => document.body.setAttribute("style", "color: red"),
  "policy: error:": () => void document.head.append(Object.assign(document.createElement("script"), { src: "http://127.0.0.1:9/x.js" })),
  "console: error: Failed to load resource": () => void fetch("/test-management/page").catch(() => {}),
};

claim("the collector sees every kind of fault in every frame", async ({ jira }) => {
  await jira.does("install");
  const context = await profile();
  const faults = await Faults.of(context);
  const watched = await Jira.open(context);
  await watched.editor.ready();
  assert.deepEqual(faults.all, []);
  for (const frame of watched.page.frames()) {
    for (const [said, provoke] of Object.entries(PROVOKED)) {
      const before = faults.unexpected.length;
      await frame.evaluate(provoke);
      const seen = new RegExp(`^(${said})`);
      await faults.until(() => faults.unexpected.slice(before).some(({ kind, text }) => seen.test(`${kind}: ${text}`)), said);
      assert.throws(() => faults.check(), said);
    }
  }
  await context.close();
});

claim("a fault that was named must come to pass, and covers no other", async ({ jira }) => {
  await jira.does("install");
  const context = await profile();
  const faults = await Faults.of(context);
  const watched = await Jira.open(context);
  await watched.editor.ready();
  faults.provoke(401, "/test-management/page");
  assert.throws(() => faults.check(), /were not/);
  await watched.frame().evaluate(() => fetch("page"));
  await faults.until(() => faults.all.length > 0, "the answer 401");
  faults.check();
  await watched.frame().evaluate(() => fetch("nothing-here"));
  await faults.until(() => faults.unexpected.length > 0, "the answer 404");
  assert.throws(() => faults.check(), /complain/);
  await context.close();
});
