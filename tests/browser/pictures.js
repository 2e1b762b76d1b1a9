// Pictures for the documents, if PICTURES names a folder to put them into.
import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

import { Issues } from "./lib/issues.js";
import { DAY } from "./lib/jira.js";
import { claim } from "./lib/world.js";

const LARGEST = 260_000;
const FOLDER = process.env.PICTURES && path.resolve(process.env.PICTURES);

/** The page alone: name, width, height. */
const PAGES = [
  ["page-1280.png", 1280, 1400],
  ["page-320.png", 320, 1200],
];

/** The window's size and colours for a picture. */
async function pose(page, width, height, colorScheme = "light") {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme });
  await page.evaluate(() => scrollTo(0, 0));
}

/** The app's page over everything around it; the page itself goes on asking for a height. */
function alone(frame) {
  const over = { position: "fixed", inset: "0", width: "100vw", "min-height": "100vh", "max-height": "100vh", border: "0", "z-index": "9" };
  for (const [name, value] of Object.entries(over)) frame.style.setProperty(name, value, "important");
}

/** Puts a part of the page at the top of the window, and what was said last out of the way. */
async function show(part) {
  await part.evaluate((element) => {
    document.querySelector("#said").textContent = "";
    element.scrollIntoView();
  });
}

async function take(page, name) {
  const file = path.join(FOLDER, name);
  await page.screenshot({ path: file });
  const { size } = await stat(file);
  assert.ok(size < LARGEST, `${name} has ${size} bytes`);
}

if (FOLDER) {
  claim("pictures are taken of the small Jira and of the page", async ({ jira }) => {
    await mkdir(FOLDER, { recursive: true });
    const { page } = jira;
    await jira.does("install");
    await jira.stores("release-gates", '{"approvals": 2, "block": ["open blockers", "failed runs"]}');
    await jira.stores("run-retention", '"two releases"');
    await pose(page, 1280, 900);
    await take(page, "jira-1280.png");
    await pose(page, 320, 640);
    await take(page, "jira-320.png");

    await page.locator("#app").evaluate(alone);
    for (const [name, width, height] of PAGES) {
      await pose(page, width, height);
      await take(page, name);
    }
    await pose(page, 1280, 900, "dark");
    await jira.editor.edit("release-gates");
    await jira.editor.root.locator("#configured").evaluate((title) => title.scrollIntoView());
    await take(page, "page-1280-dark.png");

    await jira.page.reload();
    await jira.editor.ready();
    await pose(page, 1280, 900);
    await jira.later(30 * DAY);
    await jira.does("leave");
    await jira.later(30 * DAY);
    await jira.operates("dry-run");
    await pose(page, 1280, 900);
    await show(jira.leaving);
    await take(page, "countdown-1280.png");
    await jira.later(110 * DAY);
    await jira.gone.waitFor();
    await jira.proof.waitFor();
    await pose(page, 1280, 900);
    await take(page, "gone-1280.png");
    await show(jira.proof);
    await take(page, "certificate-1280.png");
  });

  claim("a picture is taken of an issue, its copies and the difference", async ({ jira }) => {
    const issues = new Issues(jira);
    await jira.does("install");
    await issues.keeps(["DEMO"], ["summary", "description"]);
    await issues.creates({ summary: "Release gate", description: "Four eyes before every release." });
    await issues.edits({ description: "Four eyes before every release, and a night in between." });
    await pose(jira.page, 1280, 1200);
    await show(issues.root);
    await take(jira.page, "issues-1280.png");
  });
}
