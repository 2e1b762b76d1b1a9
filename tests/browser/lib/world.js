// A claim is a test with a world of its own: an empty host, a profile of the browser, the small Jira open in it, and somebody who listens for
// what must never be.
import { after, describe, test } from "node:test";

import * as browser from "./browser.js";
import { Faults } from "./faults.js";
import * as host from "./host.js";
import { Jira } from "./jira.js";

const LONGEST_TEST = 120_000;

const claims = [];

/** A claim. `body` gets `jira` (open in a tab), `faults`, `context` (the profile) and `t`, node's own context of the test. */
export function claim(name, body) {
  claims.push([name, body]);
}

/** Holds all claims, one after the other, in one browser. */
export function hold() {
  describe("in a browser", () => {
    for (const [name, body] of claims) test(name, { timeout: LONGEST_TEST }, (t) => inWorld(t, body));
    after(async () => {
      await browser.close();
      await host.clear();
    });
  });
}

async function inWorld(t, body) {
  const running = await host.start();
  const context = await browser.profile();
  try {
    const faults = await Faults.of(context);
    const jira = await Jira.open(context);
    await body({ t, context, faults, jira });
    faults.check();
  } finally {
    await context.close();
    await running.stop();
  }
}
