// The small Jira in a tab, by its buttons.
import assert from "node:assert/strict";

import { Editor } from "./editor.js";
import { APP, JIRA } from "./host.js";

/** What is said when a thing is done. */
const SAID = {
  install: /is installed|has come back|begins anew/,
  upgrade: /is upgraded/,
  rename: /lies at .* now/,
  rotate: /has a new secret/,
  disable: /is switched off/,
  enable: /is switched on/,
  leave: /has left/,
};

/** What is said when an operator has done a thing. */
const OPERATED = {
  hold: /The purge waits/,
  lift: /is lifted/,
  "early-deletion": /here is the receipt/,
  "dry-run": /This is what will go/,
  mark: /marked as left/,
};

export const HOUR = 3_600;
export const DAY = 86_400;

/** How long a move of the clock may take: all that would have happened meanwhile happens, schedules and purges too. */
export const LONGEST_MOVE = 30_000;

export class Jira {
  constructor(page) {
    this.page = page;
    this.editor = new Editor(page.frameLocator("#app"));
    this.stored = page.locator("#stored");
    this.seen = page.locator("#seen");
    this.gone = page.locator("#gone");
    this.said = page.locator("#said");
    this.leaving = page.locator("#leaving");
    this.proof = page.locator("#proof");
  }

  /** A new tab. */
  static async open(context) {
    const jira = new Jira(await context.newPage());
    await jira.page.goto(JIRA);
    await jira.idle();
    return jira;
  }

  /**
   * Waits until nothing is under way, here and on the app's page. Whatever ends tokens (leaving, the clock) or replaces the page comes after
   * this, or what the page still asks for is refused.
   */
  async idle() {
    await this.page.locator("button[data-advance]:enabled").first().waitFor();
    if (await this.page.locator("#app").isVisible()) await this.editor.loaded();
  }

  /** The app's frame, for what only a frame itself can do. */
  frame() {
    const frame = this.page.frames().find((each) => each.url().startsWith(APP));
    assert.ok(frame, "the app is not shown");
    return frame;
  }

  /** Waits until the app stands so on the site. */
  async stands(standing) {
    await this.page.locator("#standing").getByText(standing, { exact: true }).waitFor();
  }

  /** Clicks one of Jira's own doings and waits until all that follows from it is shown. */
  async does(doing) {
    await this.page.locator(`button[data-doing="${doing}"]`).click();
    await this.said.filter({ hasText: SAID[doing] }).waitFor();
    await this.idle();
  }

  /** Stores a setting on the app's page, and waits until everything here knows of it. */
  async stores(name, json) {
    await this.editor.store(name, json);
    await this.seen.getByText(`"${name}"`).waitFor();
    await this.idle();
  }

  /** Moves the clock. */
  async later(seconds) {
    const before = await this.now();
    await this.page.locator(`button[data-advance="${seconds}"]`).click();
    const there = (then) => Date.parse(document.querySelector("#now").dateTime) >= then;
    await this.page.waitForFunction(there, before + seconds * 1_000, { timeout: LONGEST_MOVE });
    await this.idle();
  }

  /** Moves the clock behind the page's back, by as much as no button does; what is shown is of before. */
  async skips(seconds) {
    await this.page.evaluate(async (body) => {
      const answer = await fetch("/play/clock", { method: "POST", headers: { "content-type": "application/json" }, body });
      await answer.json();
    }, JSON.stringify({ seconds }));
  }

  /** A button of the operators'. */
  operator(deed) {
    return this.page.locator(`button[data-operator="${deed}"]`);
  }

  /** Clicks one of them and waits until all that follows from it is shown. */
  async operates(deed) {
    await this.operator(deed).click();
    await this.said.filter({ hasText: OPERATED[deed] }).waitFor();
    await this.idle();
  }

  /** What the clock shows, in epoch milliseconds. */
  now() {
    return this.page.locator("#now").evaluate((now) => Date.parse(now.dateTime));
  }

  /** Chooses in a list, and waits for nothing. */
  async chooses(list, value) {
    await this.page.locator(`select#${list}`).selectOption(value);
  }

  /** Somebody else looks at the site. */
  async becomes(user) {
    await this.chooses("user", user);
    await this.idle();
  }

  /** Another site is looked at. */
  async visits(site) {
    await this.chooses("site", site);
    await this.idle();
  }

  /** From now on something is wrong with the site. */
  async suffers(trouble) {
    await this.chooses("trouble", trouble);
    await this.said.getByText("from now on").waitFor();
    await this.idle();
  }

  /** Waits until what the tenant sees was answered so, all of it. */
  async sees(status) {
    const answers = this.seen.locator("section");
    await answers.filter({ hasText: String(status) }).nth(1).waitFor();
    assert.equal(await answers.count(), 2);
  }

  /** The frame's address with its token. */
  async pageAddress() {
    await this.editor.ready();
    return this.page.locator("iframe#app").getAttribute("src");
  }

  /** Holds the next request of this kind back until what is returned is called; its `held` is there when it is held. */
  async holds(pattern) {
    let release;
    let arrive;
    const released = new Promise((resolve) => (release = resolve));
    const held = new Promise((resolve) => (arrive = resolve));
    const hold = async (route) => {
      arrive();
      await released;
      await route.continue();
    };
    await this.page.route(pattern, hold, { times: 1 });
    return Object.assign(release, { held });
  }
}
