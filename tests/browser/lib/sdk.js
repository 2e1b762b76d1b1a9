// A page of the app's own origin with the SDK of Sentry's in it, as npm has it: its modules are served as they lie there, and an import map says
// where. Whatever else is asked of the app goes to the app.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { profile } from "./browser.js";
import { APP } from "./host.js";

const MODULES = fileURLToPath(new URL("../node_modules/", import.meta.url));

/** Where the page and its files lie; there is nothing of the app's. */
const FOLDER = "/sdk/";

/** Where each package has what the SDK imports of it. */
const IMPORTS = {
  "@sentry/browser": "@sentry/browser/build/npm/esm/prod/index.js",
  "@sentry/browser-utils": "@sentry/browser-utils/build/esm/index.js",
  "@sentry/conventions/attributes": "@sentry/conventions/dist/attributes.mjs",
  "@sentry/conventions/metrics": "@sentry/conventions/dist/metrics.mjs",
  "@sentry/conventions/op": "@sentry/conventions/dist/op.mjs",
  "@sentry/core": "@sentry/core/build/esm/index.js",
  "@sentry/core/browser": "@sentry/core/build/esm/browser.js",
  "@sentry/feedback": "@sentry/feedback/build/npm/esm/index.js",
  "@sentry/replay": "@sentry/replay/build/npm/esm/index.js",
  "@sentry/replay-canvas": "@sentry/replay-canvas/build/npm/esm/index.js",
  "web-vitals": "web-vitals/dist/web-vitals.js",
};

const html = (script) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page of the app</title>
<script type="importmap">${JSON.stringify({ imports: Object.fromEntries(Object.entries(IMPORTS).map(([name, file]) => [name, `${FOLDER}modules/${file}`])) })}</script>
<script type="module" src="${script}"></script></head><body></body></html>`;

/**
 * Opens the page, in a profile of its own: it throws errors, and nobody is to complain. `files` are its own scripts by name, the first of which it
 * runs; `query` stands in its address and in that of the script. The profile is closed with the test.
 */
export async function pageWithSdk(t, { files, query }) {
  const context = await profile();
  t.after(() => context.close());
  const [script] = Object.keys(files);
  await context.route(`${APP}${FOLDER}**`, async (route) => {
    const name = decodeURIComponent(new URL(route.request().url()).pathname).slice(FOLDER.length);
    if (name === "") return route.fulfill({ contentType: "text/html", body: html(`${FOLDER}${script}${query}`) });
    const body = files[name] ?? (await readFile(path.join(MODULES, name.replace("modules/", "")), "utf8"));
    return route.fulfill({ contentType: "text/javascript", body });
  });
  const page = await context.newPage();
  await page.goto(`${APP}${FOLDER}${query}`);
  return page;
}
