// One Chromium for all tests; each test gets a profile of its own in it.
import { chromium } from "playwright-core";

const LONGEST_WAIT = 10_000;

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let browser;

/** A new profile. Movement is reduced, so that colours are measured when they have arrived. */
export async function profile() {
  browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
  const context = await browser.newContext({ reducedMotion: "reduce", viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(LONGEST_WAIT);
  return context;
}

/** Closes the browser. */
export async function close() {
  await browser?.close();
}
