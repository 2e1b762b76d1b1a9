// That everybody can read and use it: axe finds nothing, and nothing is wider than the screen, in every state, light and dark, wide and narrow.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { claim } from "./lib/world.js";
import { inEveryState } from "./lib/states.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WIDTHS = [1280, 320];

/** The page, and the app's frame if it is shown. */
function frames(jira, appIsShown) {
  return appIsShown ? [jira.page.mainFrame(), jira.frame()] : [jira.page.mainFrame()];
}

const place = (frame) => new URL(frame.url()).pathname;

/** What axe finds in a frame, but for the frames in it. */
async function violations(frame) {
  if (!(await frame.evaluate(() => "axe" in window))) await frame.evaluate(AXE);
  const { checked, found } = await frame.evaluate(async (values) => {
    const { passes, violations } = await window.axe.run(document, { runOnly: { type: "tag", values }, iframes: false });
    const told = ({ html, any }) => [html.slice(0, 150), ...any.map(({ message }) => message)].join(" ");
    return { checked: passes.length, found: violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(told).join("; ")}`) };
  }, TAGS);
  assert.ok(checked > 10, "axe has looked at next to nothing");
  return found;
}

claim("axe finds nothing in any state, light or dark, wide or narrow", async (world) => {
  const found = new Map();
  await inEveryState(world, async (state, appIsShown) => {
    const { page } = world.jira;
    for (const colorScheme of ["light", "dark"]) {
      for (const width of WIDTHS) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        for (const frame of frames(world.jira, appIsShown)) {
          for (const violation of await violations(frame)) {
            const known = `${place(frame)}: ${violation}`;
            found.set(known, [...(found.get(known) ?? []), `${state}, ${colorScheme}, ${width} px`]);
          }
        }
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1280, height: 900 });
  });
  assert.deepEqual([...found].map(([violation, [first, ...more]]) => `${violation} (${first}, and ${more.length} times more)`), []);
});

claim("nothing is wider than 320 pixels in any state", async (world) => {
  const found = new Set();
  await world.jira.page.setViewportSize({ width: 320, height: 700 });
  await inEveryState(world, async (state, appIsShown) => {
    for (const frame of frames(world.jira, appIsShown)) {
      const { scroll, client, widest } = await frame.evaluate(width);
      assert.ok(client > 200, `${client}`);
      if (scroll > client) found.add(`${state}, ${place(frame)}: ${scroll} px in ${client}: ${widest}`);
    }
  });
  assert.deepEqual([...found], []);
});

/** How wide the content is, how wide its window, and what stands out. */
function width() {
  const { scrollWidth: scroll, clientWidth: client } = document.scrollingElement;
  const wide = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > client + 1);
  return { scroll, client, widest: wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 100)) };
}

claim("what is wrong or too wide is found", async ({ jira }) => {
  const frame = jira.page.mainFrame();
  assert.deepEqual(await violations(frame), []);
  await frame.evaluate(() => {
    const wide = document.createElement("button");
    wide.style.minWidth = "2000px";
    document.querySelector("main").append(document.createElement("img"), wide);
  });
  const found = (await violations(frame)).join("\n");
  assert.match(found, /^button-name /m);
  assert.match(found, /^image-alt /m);
  const { scroll, client } = await frame.evaluate(width);
  assert.ok(scroll > client);
});
