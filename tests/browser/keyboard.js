// Without a mouse: everything is reached by Tab, what has the focus is seen, and nothing holds it.
import assert from "node:assert/strict";

import { claim } from "./lib/world.js";

/** More presses than there are places to go to. */
const MOST = 150;

/** What has the focus, wherever it is: its frame, a name for it, and whether it can be seen to have it. */
async function focused(page) {
  let frame = page.mainFrame();
  for (;;) {
    const active = await frame.evaluateHandle(() => document.activeElement);
    const inner = await active.asElement()?.contentFrame();
    if (!inner) {
      const told = await active.evaluate((element) => {
        const style = getComputedStyle(element);
        const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        const box = element.getBoundingClientRect();
        const data = Object.entries(element.dataset ?? {}).map(([name, value]) => `[data-${name}=${value}]`).join("");
        return {
          what: `${element.tagName.toLowerCase()}${element.id && `#${element.id}`}${data}`,
          nowhere: element === document.body || element === document.documentElement,
          seen: (outlined || style.boxShadow !== "none") && box.width > 0 && box.height > 0 && box.right > 0 && box.bottom > 0,
        };
      });
      return { frame, active, ...told };
    }
    frame = inner;
  }
}

/** Presses Tab until what matches has the focus; on the way everything that has it must be seen. */
async function tabTo(page, selector, key = "Tab") {
  const passed = [];
  for (let press = 0; press < MOST; press += 1) {
    const now = await focused(page);
    if (await now.active.evaluate((element, wanted) => element.matches(wanted), selector)) return now;
    await page.keyboard.press(key);
    const next = await focused(page);
    assert.ok(next.nowhere || next.seen, `${next.what} has the focus, and nobody can see it`);
    passed.push(next.what);
  }
  return assert.fail(`${selector} is not reached: ${passed.join(" ")}`);
}

claim("a person without a mouse installs, stores a setting and leaves", async ({ jira }) => {
  const { page, editor } = jira;
  const { keyboard } = page;
  await tabTo(page, '[data-doing="install"]');
  await keyboard.press("Enter");
  await jira.stands("Active");
  await editor.ready();
  await jira.idle();

  await tabTo(page, "#add");
  await keyboard.press("Enter");
  await editor.name.waitFor();
  assert.match((await focused(page)).what, /#setting-name/, "opening the editor puts the focus into it");
  await keyboard.type("theme");
  await tabTo(page, "#setting-value");
  await keyboard.type('{"colour": "blue"}');
  await tabTo(page, "#save");
  await keyboard.press("Enter");
  await editor.says("theme is saved");
  assert.match((await focused(page)).what, /data-edit/, "saving puts the focus on what was saved");

  await tabTo(page, '[data-doing="leave"]', "Shift+Tab");
  await keyboard.press("Enter");
  await jira.stands("Left");
  await jira.idle();
});

claim("the guide is followed without a mouse, and the focus stays with it", async ({ jira }) => {
  const { page } = jira;
  await tabTo(page, "#guide button[data-next=true]");
  await page.keyboard.press("Enter");
  await jira.stands("Active");
  await jira.idle();
  assert.match((await focused(page)).what, /data-next=true/, "the next step has the focus");
  await page.keyboard.press("Enter");
  await tabTo(page, "#add");
});

claim("what the small Jira asks for in the background does not take the focus away", async ({ jira }) => {
  const { page } = jira;
  await jira.does("install");
  await jira.editor.ready();
  await tabTo(page, '[data-doing="rename"]');
  const release = await jira.holds("**/play/calls");
  await jira.frame().evaluate(async () => {
    const authorization = `JWT ${await AP.context.getToken()}`;
    const answer = await fetch("configuration", { headers: { authorization } });
    await answer.text();
  });
  await release.held;
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  const answered = page.waitForResponse("**/play/calls");
  release();
  await (await answered).finished();
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  assert.match((await focused(page)).what, /data-doing=rename/);
});

claim("the focus goes through the whole page in the order of reading, through the frame and out of it, there and back", async ({ jira }) => {
  const { page } = jira;
  await jira.does("install");
  await jira.stores("theme", '"blue"');
  // To the very first place, past which there is none.
  await tabTo(page, ".skip", "Shift+Tab");
  for (const [key, forward] of [["Tab", true], ["Shift+Tab", false]]) {
    const visits = await walk(page, key);
    const names = visits.map(({ what }) => what).join(" ");
    const within = visits.map(({ frame }) => frame === jira.frame());
    const [entered, left] = [within.indexOf(true), within.lastIndexOf(true)];
    assert.ok(entered > 0 && left < visits.length - 1, `${key}: the focus is not seen to enter the frame and to leave it: ${names}`);
    assert.ok(within.slice(entered, left + 1).every(Boolean), `${key}: the frame is left and entered again: ${names}`);
    for (const frame of [page.mainFrame(), jira.frame()]) {
      const own = visits.filter((visit) => visit.frame === frame);
      const ordered = await inOrder(frame, own, forward);
      assert.equal(ordered, "", `${key}: not in the order of reading: ${names}`);
      const missed = await unvisited(frame, own);
      assert.deepEqual(missed, [], `${key}: never reached`);
    }
  }
});

claim("a focus that nobody can see is noticed", async ({ jira }) => {
  await jira.page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { outline: none !important; box-shadow: none !important; }");
    document.adoptedStyleSheets.push(sheet);
  });
  await assert.rejects(tabTo(jira.page, '[data-doing="install"]'), /nobody can see it/);
});

/** Where the focus goes with this key until it is nowhere or where it has been. */
async function walk(page, key) {
  const visits = [];
  for (let press = 0; press < MOST; press += 1) {
    const now = await focused(page);
    if (now.nowhere && visits.length > 0) return visits;
    if (!now.nowhere) {
      assert.ok(now.seen, `${now.what} has the focus, and nobody can see it`);
      for (const { frame, active } of visits) {
        if (frame === now.frame && (await frame.evaluate(([one, other]) => one === other, [active, now.active]))) return visits;
      }
      visits.push(now);
    }
    await page.keyboard.press(key);
  }
  return assert.fail(`the focus does not come out: ${visits.map(({ what }) => what).join(" ")}`);
}

function inOrder(frame, visits, forward) {
  return frame.evaluate(
    ([elements, follows]) => {
      for (let at = 1; at < elements.length; at += 1) {
        const [before, after] = follows ? [elements[at - 1], elements[at]] : [elements[at], elements[at - 1]];
        if (!(before.compareDocumentPosition(after) & Node.DOCUMENT_POSITION_FOLLOWING)) return `${before.outerHTML} before ${after.outerHTML}`;
      }
      return "";
    },
    [visits.map(({ active }) => active), forward],
  );
}

function unvisited(frame, visits) {
  return frame.evaluate((visited) => {
    const active = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")];
    const wanted = active.filter((element) => !element.disabled && element.checkVisibility({ visibilityProperty: true }));
    return wanted.filter((element) => !visited.includes(element)).map((element) => element.outerHTML.slice(0, 120));
  }, visits.map(({ active }) => active));
}
