// The small Jira's page: what is where, and the buttons. It asks the server below /play for everything and keeps nothing itself.
//
// Whatever comes from an app or a customer is inserted as text. The app's page gets its tokens from here: only the window of our own frame,
// and only at the app's own origin.
import { copyCommand, drawCertificate } from "./certificate.js";
import { at, draw, lozenge, made, moment } from "./drawing.js";
import { issuesOf } from "./issues.js";
import { allGoneBy, drawLeaving, mayOperate, openDeparture } from "./leaving.js";
import { drawStored } from "./stored.js";
import { telemetryOf } from "./telemetry.js";

(() => {
  const [site, user, trouble] = ["site", "user", "trouble"].map(at);
  const DAY = 86_400;
  const GRACE_DAYS = 110;
  const LONGEST_LOAD = 5_000;
  let state = null;
  let stored = null;
  /** The leaving that is under way or over on the site that is shown. */
  let departure;
  /** Receipts, and what was found in dry runs, by the tenant whom they are about; and which last steps of the guide were taken. */
  const [receipts, dryRuns, looked] = [new Map(), new Map(), new Set()];
  /** Where the page that is shown gets its tokens: of its own site and user, whatever was chosen since. */
  let pass = "";
  /** How many things were asked for and are not done. */
  let busy = 0;
  let turn = Promise.resolve();
  let clock = { shown: 0, read: 0 };

  // --- Asking ---

  class Refusal extends Error {}

  async function ask(path, body) {
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try {
      answer = await fetch(`/play/${path}`, body === undefined ? {} : post);
    } catch {
      throw new Refusal("The small Jira does not answer. Does cargo run still run?");
    }
    const json = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refusal(json.said ?? `The small Jira answers ${answer.status}.`);
    return json;
  }

  const ofSite = (what) => `sites/${encodeURIComponent(site.value)}/${what}`;
  const asUser = () => `user=${encodeURIComponent(user.value)}`;
  const here = () => state.sites.find((one) => one.key === site.value);

  function say(words, refused = false) {
    at("said").textContent = words;
    at("said").classList.toggle("refused", refused);
  }

  /** One thing after the other. */
  function inTurn(work) {
    turn = turn.then(work).catch((fault) => {
      say(fault instanceof Refusal ? fault.message : "This page has failed: reload it.", true);
      if (!(fault instanceof Refusal)) reportError(fault);
    });
    return turn;
  }

  /** What a person asked for: until it is done and shown, the buttons wait. The focus is back afterwards, or at what comes next. */
  async function wanted(work) {
    const before = document.activeElement;
    busy += 1;
    enable();
    await inTurn(work);
    busy -= 1;
    enable();
    if (busy === 0 && document.activeElement === document.body) goOn(before);
  }

  /** The site that is chosen now is meant, even if its turn comes when another is. */
  function act(doing) {
    const doings = ofSite("doings");
    return wanted(async () => {
      const done = await ask(doings, { doing });
      say(done.said, !done.changed);
      await refresh(true);
    });
  }

  const advance = (seconds) => wanted(async () => {
    dryRuns.clear();
    say((await ask("clock", { seconds })).said);
    await refresh(true);
  });

  /** What an operator does about a site that has left, with the reason that is chosen beside the button. */
  function operate({ operator: deed, reason }) {
    const path = ofSite(`leaving/${deed}`);
    const because = { hold: at("hold-reason").value, "early-deletion": at("early-reason").value, mark: reason }[deed];
    return wanted(async () => {
      const answer = await ask(path, { reason: because, tenantId: departure?.tenantId });
      if (deed === "early-deletion") receipts.set(answer.tenantId, answer);
      if (deed === "dry-run") for (const { tenantId } of answer.lives) dryRuns.set(tenantId, answer);
      else dryRuns.clear();
      say(OPERATED[deed]);
      await refresh(deed !== "dry-run");
    });
  }

  const OPERATED = {
    hold: "The purge waits for 30 days from now.",
    lift: "The hold is lifted.",
    "early-deletion": "Deletion is asked for: here is the receipt.",
    "dry-run": "This is what will go. Nothing has changed.",
    mark: "It is marked as left, without a word from the site.",
  };

  const issues = issuesOf({ ask, wanted, say, refresh, ofSite, user });
  const telemetry = telemetryOf({ ask, wanted, say, ofSite, user, now: () => Date.parse(state.now) });

  // --- Drawing ---

  function options(select, list) {
    const chosen = select.value;
    draw(select, list, () => list.map(({ key, name }) => made("option", { value: key, textContent: name ?? key })));
    if (list.some(({ key }) => key === chosen)) select.value = chosen;
  }

  /** Shows things as they are. With the page loaded again it is done when that has loaded: a clock that moves meanwhile ends its token. */
  async function refresh(reload = false) {
    state = await ask("state");
    clock = { shown: Date.parse(state.now), read: performance.now() };
    options(site, state.sites);
    options(user, state.users);
    // All of it is about one site. Whoever chooses another meanwhile has that one shown next.
    const [shown, passOfPage] = [site.value, ofSite(`token?${asUser()}`)];
    const [pageOf, storedOf, seenOf, leavingOf] = [`page?${asUser()}`, "stored", "seen", "leaving"].map(ofSite);
    const [page, lying, seen, told] = await Promise.all([
      reload ? ask(pageOf).catch((fault) => ({ address: null, fault: fault.message })) : null,
      ask(storedOf),
      ask(seenOf),
      issues.look(),
    ]);
    // Asked only of whoever's keys are dated or gone: nobody else has anything to count down.
    const leaves = lying.gone || lying.remains.keysExpireAt !== null;
    const status = leaves ? await ask(leavingOf).catch((fault) => ({ fault: fault.message })) : null;
    const [calls] = await Promise.all([ask("calls"), telemetry.look()]);
    if (site.value !== shown) return;
    stored = lying;
    departure = openDeparture(status);
    drawBar();
    drawAfterLeaving(status?.fault);
    drawGuide();
    drawStored(stored);
    drawSeen(seen.seen);
    issues.draw(told, stored, here().standing, Date.parse(state.now));
    drawCalls(calls);
    const loaded = page ? drawPage(page, passOfPage) : null;
    enable();
    await loaded;
  }

  function drawBar() {
    const { standing, address } = here();
    at("standing").textContent = standing;
    at("standing").className = `lozenge ${{ Active: "good", Disabled: "warn", Left: "bad" }[standing] ?? ""}`;
    at("address").textContent = address;
    trouble.value = here().trouble;
    const days = Math.floor(state.ahead / DAY);
    const hours = Math.floor((state.ahead % DAY) / 3600);
    at("ahead").textContent = `${days} days and ${hours} hours`;
    tick();
  }

  function tick() {
    if (!state) return;
    const now = new Date(clock.shown + performance.now() - clock.read);
    at("now").dateTime = now.toISOString();
    at("now").textContent = `${now.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  }

  // --- The guide ---

  /** Until when whoever has left finds everything; nothing, if it is too late. */
  function mayReturnUntil() {
    const until = departure?.mayReturnUntil;
    return Date.parse(until) > Date.parse(state.now) ? until : undefined;
  }

  const tooLate = () => here().standing === "Left" && !mayReturnUntil();

  function steps() {
    const { installed, left } = here();
    const [late, gone, proved] = [tooLate(), stored.gone, Boolean(departure?.purge?.certificate)];
    const wait = late ? { button: "+1 day", go: () => advance(DAY) } : { button: "+111 days", go: () => advance((GRACE_DAYS + 1) * DAY) };
    return [
      { title: "Install", words: "Jira installs the app on this site.", button: "Install", done: installed > 0, go: () => act("install") },
      { title: "Store a setting", words: "On the app’s page: Configuration, Add a setting. Then come back here.", button: "To the page", done: left > 0 || gone || stored.remains.records > 0, go: toPage },
      { title: "Leave", words: "All use ends at once.", button: "Leave", done: left > 0 || gone, go: () => act("leave") },
      { title: "Come back", words: late ? "Too late: it begins anew." : "In time: everything is there.", button: "Install again", done: installed > 1 || gone, go: () => act("install") },
      { title: "Leave again", words: "The clock starts anew.", button: "Leave", done: left > 1 || gone, go: () => act("leave") },
      { title: "Wait 110 days", words: "Until then they could return. On the day after, the purge is done.", done: gone && proved, ...wait },
      { title: "It is gone", words: "Look at what remains.", button: "Look", done: gone && looked.has(lookAt("stored")), go: () => toEnd("stored") },
      { title: "The proof", words: "A certificate that anybody can verify.", button: "To the proof", done: proved && looked.has(lookAt("proof")), go: () => toEnd("proof") },
    ];
  }

  const lookAt = (what) => `${what} ${departure?.tenantId}`;

  function drawGuide() {
    const all = steps();
    const next = all.findIndex((step) => !step.done);
    // Made once: whoever is on a button stays there.
    if (at("guide").childElementCount === 0) at("guide").append(...all.map(guideItem));
    const hadFocus = at("guide").contains(document.activeElement);
    for (const [index, item] of [...at("guide").children].entries()) {
      const [number, , words, button] = item.children;
      const { done } = all[index];
      words.textContent = all[index].words;
      button.textContent = all[index].button;
      item.classList.toggle("done", done);
      number.textContent = done ? `${index + 1}, done` : `Step ${index + 1}`;
      button.className = index === next ? "primary" : "";
      button.dataset.next = String(index === next);
      if (index === next) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    enable();
    if (hadFocus && busy === 0) nextStep()?.focus();
  }

  function guideItem({ title, words, button }, index) {
    const press = made("button", { type: "button", textContent: button });
    press.dataset.step = String(index + 1);
    // Asked again, because what the step does depends on the state of then.
    press.addEventListener("click", () => steps()[index].go());
    return made("li", {}, made("span", { className: "number" }), made("strong", { textContent: title }), made("p", { textContent: words }), press);
  }

  const nextStep = () => at("guide").querySelector("[data-next=true]");

  /** Which buttons make sense now. */
  function enable() {
    const standing = state ? here().standing : "";
    const there = standing === "Active" || standing === "Disabled";
    const possible = { install: !there, disable: standing === "Active", enable: standing === "Disabled" };
    for (const button of document.querySelectorAll("button")) {
      const { doing, next, operator, issue, telemetry: report } = button.dataset;
      const ofJira = doing ? possible[doing] ?? there : next !== "false";
      const makesSense = operator ? mayOperate(operator, departure, there, Date.parse(state?.now)) : ofJira;
      const reports = report ? telemetry.may(report, standing) : makesSense;
      button.disabled = busy > 0 || !state || !(issue ? issues.may(issue, standing) : reports);
    }
  }

  /** Where the focus goes from a button that was pressed. */
  function goOn(button) {
    if (button.dataset.step && button.disabled) nextStep()?.focus();
    else if (button.dataset.doing && button.disabled) document.querySelector("[data-doing]:enabled")?.focus();
    else if (button.dataset.operator && button.disabled) at("leaving-title").focus();
    else if (button.dataset.issue && button.disabled) at("issues-title").focus();
    else if (button.dataset.telemetry && button.disabled) at("telemetry-title").focus();
    else button.focus();
  }

  function toPage() {
    const change = user.value !== state.users[0].key;
    if (change) user.value = state.users[0].key;
    at("app-title").scrollIntoView();
    if (change) wanted(() => refresh(true)).then(() => at("app").focus());
    else at("app").focus();
  }

  /** Shows what stands at the end, and takes the step as done. */
  function toEnd(what) {
    looked.add(lookAt(what));
    drawGuide();
    at(`${what}-title`).scrollIntoView();
    at(`${what}-title`).focus();
  }

  // --- After leaving ---

  function drawAfterLeaving(fault) {
    const [now, tenant] = [Date.parse(state.now), departure?.tenantId];
    drawLeaving(site.value, departure, now, { fault, receipt: receipts.get(tenant), dryRun: dryRuns.get(tenant) });
    drawCertificate(departure, `/play/${ofSite("leaving")}`, now);
    const backups = stored.gone && departure?.purge;
    at("gone-backups").textContent = backups ? `What backups still hold cannot be read after ${moment(departure.unreadableBy)}, and is gone by ${moment(allGoneBy(departure))}.` : "";
  }

  // --- The app's page ---

  /** Returns what is done when the page has loaded, or takes too long. */
  function drawPage({ address, fault }, passOfPage) {
    const { standing, key } = here();
    const there = standing === "Active" || standing === "Disabled";
    const words = {
      "Not installed": `The app is not installed on ${key} yet.`,
      Left: mayReturnUntil()
        ? `${key} has left. Whoever comes back until ${moment(mayReturnUntil())} finds everything.`
        : `${key} has left, and it is too late to come back: whoever installs the app now begins anew, with nothing.`,
    };
    at("absent-said").textContent = fault ?? words[standing] ?? "The app’s descriptor names no page.";
    at("absent").hidden = address !== null;
    at("install-here").hidden = there;
    at("install-here").textContent = standing === "Left" ? "Install again" : "Install";
    // A frame of its own for every load: the address holds a token that has no business in the history.
    const frame = made("iframe", { id: "app", title: `The page of ${state.app}`, hidden: address === null });
    if (address !== null) {
      frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-downloads");
      frame.src = address;
    }
    const loaded = new Promise((done) => {
      if (address === null) return done();
      frame.addEventListener("load", done, { once: true });
      setTimeout(done, LONGEST_LOAD);
    });
    pass = passOfPage;
    at("app").replaceWith(frame);
    return loaded;
  }

  window.addEventListener("message", async (event) => {
    const frame = at("app").contentWindow;
    if (!state || !frame || event.source !== frame || event.origin !== state.functions || event.data?.lethe !== 1) return;
    if (event.data.ask === "resize") {
      at("app").style.height = `${Math.min(Math.max(Number(event.data.height) || 0, 200), 4000) + 2}px`;
    }
    if (event.data.ask === "token") {
      const { token } = await ask(pass).catch(() => ({}));
      frame.postMessage({ lethe: 1, id: event.data.id, token }, state.functions);
    }
    if (event.data.ask === "look") soon();
  });

  // The page has called the functions and was answered: see what came of it, once it has no more to ask.
  let later = 0;
  function soon() {
    clearTimeout(later);
    later = setTimeout(() => inTurn(() => refresh()), 300);
  }

  // --- What is stored, what is seen, what it costs ---

  function drawSeen(seen) {
    draw(at("seen"), seen, () => seen.map(({ what, request, status, body }) => {
      const kind = status === null || status >= 400 ? "bad" : "good";
      const words = made("p", {}, made("span", { className: "code", textContent: request }), " ", lozenge(status ?? "no answer", kind));
      const text = made("pre", { tabIndex: 0, textContent: typeof body === "string" ? body : JSON.stringify(body, null, 2) });
      text.setAttribute("role", "region");
      text.setAttribute("aria-label", `${what}, as answered`);
      return made("section", {}, made("h3", { textContent: what }), words, text);
    }));
  }

  function drawCalls(calls) {
    draw(at("calls"), calls, () => calls.map((call) => made("tr", { className: call.for_view ? "view" : "" },
      made("td", { textContent: call.at.replace("T", " ").replace("Z", "") }),
      made("td", { className: "code", textContent: `${call.method} ${call.path}${call.for_view ? " (for the view above)" : ""}` }),
      made("td", {}, lozenge(call.status, call.status >= 400 ? "bad" : "good")),
      made("td", { textContent: `${call.milliseconds} ms` }),
      made("td", { className: "code", textContent: call.round_trips.join(", ") || "none" }),
    )));
  }

  // --- Buttons ---

  for (const button of document.querySelectorAll("[data-doing]")) button.addEventListener("click", () => act(button.dataset.doing));
  for (const button of document.querySelectorAll("[data-advance]")) button.addEventListener("click", () => advance(Number(button.dataset.advance)));
  for (const button of document.querySelectorAll("[data-operator]")) button.addEventListener("click", () => operate(button.dataset));
  at("certificate-copy").addEventListener("click", () => copyCommand(say));
  at("install-here").addEventListener("click", () => act("install"));
  for (const select of [site, user]) {
    select.addEventListener("change", () => {
      say("");
      wanted(() => refresh(true));
    });
  }
  // What is chosen counts, even if whatever is under way draws it back to what is so by then.
  trouble.addEventListener("change", () => {
    const [path, body] = [ofSite("trouble"), { trouble: trouble.value }];
    wanted(async () => {
      say((await ask(path, body)).said);
      await refresh(true);
    });
  });
  setInterval(tick, 1000);
  wanted(() => refresh(true));
})();
