// The headers that browsers are told to guard the page with, graded against a checked-in list, entry by entry.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import http from "node:http";

import { directives, grade, headersOf } from "./lib/grade.js";
import { APP, JIRA, S3 } from "./lib/host.js";
import { claim } from "./lib/world.js";

const LISTS = JSON.parse(await readFile(new URL("headers.json", import.meta.url), "utf8"));
const PAGE = `${APP}/test-management/page`;
const NAMES = { site: JIRA, bridge: `${JIRA}/all.js`, incoming: S3 };

/** Status, headers as they came, and text. */
function ask(address) {
  return new Promise((resolve, reject) => {
    const asked = http.get(address, async (answer) => {
      const pieces = await answer.toArray();
      resolve({ status: answer.statusCode, headers: headersOf(answer.rawHeaders), text: Buffer.concat(pieces).toString() });
    });
    asked.on("error", reject);
  });
}

/** What is answered for each list: the page, the page that is refused, and whatever the page loads from us. */
async function answers(jira) {
  await jira.does("install");
  const page = await ask(await jira.pageAddress());
  const own = async (pattern) => {
    const targets = [...page.text.matchAll(pattern)].map(([, target]) => new URL(target, PAGE)).filter(({ origin }) => origin === APP);
    assert.ok(targets.length > 0, `the page loads nothing like ${pattern}`);
    return Promise.all(targets.map(ask));
  };
  return {
    page: [page],
    refused: [await ask(PAGE)],
    script: await own(/<script src="([^"]+)"/g),
    style: await own(/<link rel="stylesheet" href="([^"]+)"/g),
  };
}

claim("every answer carries the headers on the list", async ({ jira }) => {
  const answered = await answers(jira);
  assert.deepEqual(Object.keys(answered), Object.keys(LISTS));
  for (const [name, entries] of Object.entries(LISTS)) {
    for (const { status, headers } of answered[name]) {
      assert.equal(status, name === "refused" ? 401 : 200, name);
      assert.deepEqual(grade(headers, entries, NAMES), [], name);
    }
  }
});

claim("every entry of the list can fail", async ({ jira }) => {
  const answered = await answers(jira);
  for (const [name, entries] of Object.entries(LISTS)) {
    const [{ headers }] = answered[name];
    for (const entry of entries) {
      assert.equal(grade(spoil(headers, entry), [entry], NAMES).length, 1, `${name}: ${JSON.stringify(entry)}`);
      if (!entry.absent) assert.equal(grade(without(headers, entry.header), [entry], NAMES).length, 1, `${name}: ${entry.header} is missing`);
    }
  }
});

const without = (headers, name) => new Map([...headers].filter(([other]) => other !== name));

/** The same headers, but for one thing that the entry is about. */
function spoil(headers, { header, directive, lacks, atLeast, absent }) {
  const [value = ""] = headers.get(header) ?? [];
  const put = (spoiled) => new Map([...headers, [header, [spoiled]]]);
  if (absent) return put(directive === undefined ? "anything" : `${value}; ${directive} 'self'`);
  if (lacks !== undefined) return put(value.replace("'self'", `'self' ${lacks}`));
  if (directive === undefined) return put(`${value}x`);
  const [, said] = directives(header, value).find(([name]) => name === directive);
  const worse = atLeast === undefined ? `${said} https://elsewhere.example` : String(atLeast - 1);
  const at = value.indexOf(said, value.indexOf(directive));
  return put(value.slice(0, at) + worse + value.slice(at + said.length));
}
