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

export const HOUR = 3_600;
export const DAY = 86_400;

export class Jira {
  constructor(page) {
    this.page = page;
    this.editor = new Editor(page.frameLocator("#app"));
    this.stored = page.locator("#stored");
    this.seen = page.locator("#seen");
    this.gone = page.locator("#gone");
    this.said = page.locator("#said");
  }

  /** A new tab. */
  static async open(context) {
    const jira = new Jira(await context.newPage());
    await jira.page.goto(JIRA);
    await jira.idle();
    return jira;
  }

  /** Waits until nothing is under way, here and on the app's page. Leaving or moving the clock under a page that loads is another story. */
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
    await this.page.waitForFunction((then) => Date.parse(document.querySelector("#now").dateTime) >= then, before + seconds * 1_000);
    await this.idle();
  }

  /** What the clock shows, in epoch milliseconds. */
  now() {
    return this.page.locator("#now").evaluate((now) => Date.parse(now.dateTime));
  }

  /** Somebody else looks at the site. */
  async becomes(user) {
    await this.page.locator("select#user").selectOption(user);
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

  /** Holds the answers to a request of the page's back, until what is returned is called; its `held` is there when one is held. */
  async holds(pattern) {
    let release;
    let arrive;
    const released = new Promise((resolve) => (release = resolve));
    const held = new Promise((resolve) => (arrive = resolve));
    await this.page.route(pattern, async (route) => {
      arrive();
      await released;
      await route.continue();
    });
    return Object.assign(release, { held });
  }
}
