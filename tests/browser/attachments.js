// Files by clicks: attached small and large, listed, fetched back byte for byte, removed; nothing of them readable where they are stored.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { claim } from "./lib/world.js";

const MIB = 1 << 20;
const MARK = "m4rk-of-a-customer";

/** Bytes that are never twice the same, with a mark at their beginning. */
function bytesOf(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31) ^ (at >> 8);
  bytes.write(MARK);
  return bytes;
}

async function attach({ editor }, name, buffer) {
  await editor.root.locator("input#file").setInputFiles({ name, mimeType: "text/plain", buffer });
  return listed({ editor }, name);
}

/** The list item of a file, as soon as it is there. */
async function listed({ editor }, name) {
  const item = editor.root.locator("#attachments-list [data-attachment]").filter({ hasText: name });
  await item.waitFor({ timeout: 60_000 });
  return item;
}

async function fetched({ page }, item) {
  const [download] = await Promise.all([page.waitForEvent("download"), item.locator("[data-download]").click()]);
  return readFile(await download.path());
}

claim("a small and a large file are attached, fetched back byte for byte, and removed", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  for (const [name, length] of [["plan.txt", 1_000], ["recording.bin", 20 * MIB + 5]]) {
    const bytes = bytesOf(length);
    const item = await attach(jira, name, bytes);
    assert.ok(bytes.equals(await fetched(jira, item)), `${name} came back otherwise`);
  }
  await jira.page.reload();
  await jira.editor.ready();
  assert.equal((await jira.stored.innerText()).includes(MARK), false, "what is stored can be read");
  const item = await listed(jira, "plan.txt");
  await item.locator("[data-remove]").click();
  await item.locator("[data-confirm-remove]").click();
  await item.waitFor({ state: "detached" });
  await listed(jira, "recording.bin");
});

claim("a member attaches and removes what is theirs, and only fetches what is not", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  await attach(jira, "admins.txt", bytesOf(10));
  await jira.becomes("max");
  const theirs = await listed(jira, "admins.txt");
  assert.equal(await theirs.locator("[data-remove]").count(), 0);
  assert.ok(bytesOf(10).equals(await fetched(jira, theirs)));
  const own = await attach(jira, "members.txt", bytesOf(12));
  await own.locator("[data-remove]").click();
  await own.locator("[data-confirm-remove]").click();
  await own.waitFor({ state: "detached" });
});

claim("a file whose name is markup is shown as text", async ({ jira }) => {
  await jira.does("install");
  await jira.editor.ready();
  const name = "<img src=x onerror=window.__pwned=1>.txt";
  await attach(jira, name, bytesOf(3));
  const pwned = await Promise.all(jira.page.frames().map((frame) => frame.evaluate(() => window.__pwned)));
  assert.deepEqual(pwned.filter((found) => found !== undefined), []);
});
