// The page opened outside Jira, or with a token that is none: plain words, no data, no script, 401.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";

import { profile } from "./lib/browser.js";
import { APP } from "./lib/host.js";
import { HOUR } from "./lib/jira.js";
import { claim } from "./lib/world.js";

const PAGE = `${APP}/test-management/page`;

/** Opens an address in a tab of its own and sees that it says nothing about anybody. */
async function saysNothing(context, address) {
  const page = await context.newPage();
  const answer = await page.goto(address);
  assert.equal(answer.status(), 401);
  await page.locator("main#refused").waitFor();
  assert.equal(await page.locator("script, form, iframe, img, [data-class], [data-name], #settings, #dates").count(), 0);
  assert.doesNotMatch(await page.content(), /acme|release-gates|four eyes|jwt/i);
  const text = await page.locator("body").innerText();
  await page.close();
  return text;
}

/** The token with one character of one of its three parts changed. */
function tampered(address, part) {
  const url = new URL(address);
  const parts = url.searchParams.get("jwt").split(".");
  const at = Math.floor(parts[part].length / 2);
  parts[part] = parts[part].slice(0, at) + (parts[part][at] === "A" ? "B" : "A") + parts[part].slice(at + 1);
  url.searchParams.set("jwt", parts.join("."));
  return url.href;
}

claim("the page outside Jira, or with a token that is none, says nothing about anybody", async ({ jira, context, faults }) => {
  await jira.does("install");
  await jira.stores("release-gates", '"four eyes"');
  const address = await jira.pageAddress();
  faults.provoke(401, "/test-management/page");
  const refusals = {
    "no token": await saysNothing(context, PAGE),
    "a header that was changed": await saysNothing(context, tampered(address, 0)),
    "claims that were changed": await saysNothing(context, tampered(address, 1)),
    "a signature that was changed": await saysNothing(context, tampered(address, 2)),
    "another query": await saysNothing(context, `${address}&more=1`),
    "a context token": await saysNothing(context, `${PAGE}?jwt=${await jira.frame().evaluate(() => new Promise((give) => AP.context.getToken(give)))}`),
  };
  await jira.later(HOUR);
  refusals["a token of an hour ago"] = await saysNothing(context, address);
  assert.equal(new Set(Object.values(refusals)).size, 1, `they differ: ${JSON.stringify(refusals, null, 2)}`);
});

claim("the page with its token but without Jira around it says why it shows no settings", async ({ jira, context }) => {
  await jira.does("install");
  await jira.stores("release-gates", '"four eyes"');
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(await jira.pageAddress());
  await page.locator("#state", { hasText: "Loading" }).waitFor();
  await page.clock.fastForward(60_000);
  await page.locator("#message", { hasText: "Open the page from the site's menu" }).waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /release-gates|four eyes/);
});

claim("another site cannot show the page in a frame", async ({ t, jira }) => {
  await jira.does("install");
  const address = await jira.pageAddress();
  const elsewhere = http.createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<!doctype html><title>Elsewhere</title><iframe src="${address.replaceAll("&", "&amp;")}"></iframe>`);
  });
  t.after(() => elsewhere.close());
  await once(elsewhere.listen(0, "127.0.0.1"), "listening");
  // A profile that nobody listens to: the browser is meant to complain.
  const context = await profile();
  const page = await context.newPage();
  const complaint = page.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
  await page.goto(`http://127.0.0.1:${elsewhere.address().port}/`);
  await complaint;
  assert.equal(await page.frameLocator("iframe").locator("main").count(), 0);
  await context.close();
});
