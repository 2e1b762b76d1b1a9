// Collects what must never be: errors and warnings on the console, errors that nobody caught, dialogs, and whatever the content security
// policy stopped, in every frame of every page of a profile. What a test provokes on purpose it names beforehand.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";

const LONGEST_WAIT = 10_000;
/** What a console may say that nobody wants to read. */
const LOUD = ["error", "warning", "assert"];

export class Faults {
  #found = [];
  #allowed = [];
  #heard = new EventEmitter();

  /** Listens to everything that happens in a profile from now on. */
  static async of(context) {
    const faults = new Faults();
    context.on("console", (message) => {
      const kind = message.text().includes("Content Security Policy") ? "policy" : "console";
      if (kind === "policy" || LOUD.includes(message.type())) faults.#add(kind, `${message.type()}: ${message.text()}`, message.location().url);
    });
    context.on("weberror", (fault) => faults.#add("page error", String(fault.error()), fault.page()?.url()));
    context.on("dialog", (dialog) => {
      faults.#add("dialog", dialog.message(), dialog.page()?.url());
      return dialog.dismiss();
    });
    await context.exposeBinding("tellViolation", ({ frame }, violation) => faults.#add("violation", violation, frame.url()));
    await context.addInitScript(() => {
      const tell = globalThis.tellViolation;
      document.addEventListener("securitypolicyviolation", (event) => tell(`${event.effectiveDirective} stopped ${event.blockedURI}`));
    });
    return faults;
  }

  #add(kind, text, where = "") {
    // Tokens are no use in a report.
    this.#found.push({ kind, text, where: where.split("?")[0] });
    this.#heard.emit("fault");
  }

  /** Waits until this holds; it is asked again with every fault. */
  async until(holds, what) {
    const signal = AbortSignal.timeout(LONGEST_WAIT);
    while (!holds()) {
      await once(this.#heard, "fault", { signal }).catch(() => assert.fail(`nobody has seen ${what}: ${JSON.stringify(this.#found)}`));
    }
  }

  /** What was found and not named beforehand. */
  get unexpected() {
    return this.#found.filter((fault) => !this.#allowed.some((allowed) => matches(allowed, fault)));
  }

  /** Everything that was found. */
  get all() {
    return this.#found;
  }

  /**
   * The test provokes an answer of this status, which the browser reports as a failed resource; `path` is the end of its address. It must come
   * to pass, or naming it hides something.
   */
  provoke(status, path) {
    this.#allowed.push({ status, path });
  }

  /** Ends the test that has faults, or that did not provoke what it named. */
  check() {
    assert.deepEqual(this.unexpected, [], "the browser has something to complain about");
    const missed = this.#allowed.filter((allowed) => !this.#found.some((fault) => matches(allowed, fault)));
    assert.deepEqual(missed, [], "these faults were to be provoked and were not");
  }
}

function matches({ status, path }, { kind, text, where }) {
  return kind === "console" && text.includes(`Failed to load resource: the server responded with a status of ${status} `) && where.endsWith(path);
}
