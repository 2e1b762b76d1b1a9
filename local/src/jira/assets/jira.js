// The small Jira's page: what is where, and the buttons. It asks the server below /play for everything and keeps nothing itself.
//
// Whatever comes from an app or a customer is inserted as text. The app's page gets its tokens from here: only the window of our own frame,
// and only at the app's own origin.
"use strict";

(() => {
  const at = (id) => document.getElementById(id);
  const [site, user, trouble] = ["site", "user", "trouble"].map(at);
  const DAY = 86_400;
  const GRACE_DAYS = 110;
  let state = null;
  let stored = null;
  let busy = false;
  let turn = Promise.resolve();
  let clock = { shown: 0, read: 0 };
  const drawn = new Map();

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
  async function pressed(work) {
    if (busy) return;
    const before = document.activeElement;
    busy = true;
    enable();
    await inTurn(work);
    busy = false;
    enable();
    if (document.activeElement === document.body) goOn(before);
  }

  const act = (doing) => pressed(async () => {
    const done = await ask(ofSite("doings"), { doing });
    say(done.said, !done.changed);
    await refresh(true);
  });

  const advance = (seconds) => pressed(async () => {
    say((await ask("clock", { seconds })).said);
    await refresh(true);
  });

  // --- Drawing ---

  function made(name, properties = {}, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  /** Draws again only what is different, so that focus and what was opened stay where they are. */
  function draw(place, value, nodes) {
    const text = JSON.stringify(value);
    if (drawn.get(place) === text) return;
    drawn.set(place, text);
    place.replaceChildren(...nodes());
  }

  function options(select, list) {
    const chosen = select.value;
    draw(select, list, () => list.map(({ key, name }) => made("option", { value: key, textContent: name ?? key })));
    if (list.some(({ key }) => key === chosen)) select.value = chosen;
  }

  const lozenge = (words, kind) => made("span", { className: `lozenge ${kind}`, textContent: words });

  async function refresh(reload = false) {
    state = await ask("state");
    clock = { shown: Date.parse(state.now), read: performance.now() };
    options(site, state.sites);
    options(user, state.users);
    const [page, lying, seen] = await Promise.all([
      reload ? ask(ofSite(`page?${asUser()}`)).catch((fault) => ({ address: null, fault: fault.message })) : null,
      ask(ofSite("stored")),
      ask(ofSite("seen")),
    ]);
    const calls = await ask("calls");
    stored = lying;
    drawBar();
    drawGuide();
    drawStored();
    drawSeen(seen.seen);
    drawCalls(calls);
    if (page) drawPage(page);
    enable();
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

  /** Whether whoever has left can no longer come back to anything. */
  function tooLate() {
    const { leftAt } = here();
    return leftAt !== null && Date.parse(state.now) >= Date.parse(leftAt) + GRACE_DAYS * DAY * 1000;
  }

  function steps() {
    const { installed, left } = here();
    const [late, gone] = [tooLate(), stored.gone];
    return [
      { title: "Install", words: "Jira installs the app on this site.", button: "Install", done: installed > 0, go: () => act("install") },
      { title: "Store a setting", words: "On the app’s page: Configuration, Add a setting. Then come back here.", button: "To the page", done: left > 0 || stored.remains.records > 0, go: toPage },
      { title: "Leave", words: "All use ends at once.", button: "Leave", done: left > 0, go: () => act("leave") },
      { title: "Come back", words: late ? "Too late: it begins anew." : "In time: everything is there.", button: "Install again", done: installed > 1 || gone, go: () => act("install") },
      { title: "Leave again", words: "The clock starts anew.", button: "Leave", done: left > 1 || gone, go: () => act("leave") },
      { title: "Wait 110 days", words: "Until then they could return.", button: "+110 days", done: (left > 1 && late) || gone, go: () => advance(GRACE_DAYS * DAY) },
      { title: "One day more", words: "TTL deletes the keys.", button: "+1 day", done: gone, go: () => advance(DAY) },
      { title: "It is gone", words: "Look at what remains.", button: "Look", done: false, go: toStored },
    ];
  }

  function drawGuide() {
    const all = steps();
    const next = all.findIndex((step) => !step.done);
    // Made once: whoever is on a button stays there.
    if (at("guide").childElementCount === 0) at("guide").append(...all.map(guideItem));
    const hadFocus = at("guide").contains(document.activeElement);
    for (const [index, item] of [...at("guide").children].entries()) {
      const [number, , , button] = item.children;
      const { done } = all[index];
      item.classList.toggle("done", done);
      number.textContent = done ? `${index + 1}, done` : `Step ${index + 1}`;
      button.className = index === next ? "primary" : "";
      button.dataset.next = String(index === next);
      if (index === next) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    enable();
    if (hadFocus && !busy) nextStep()?.focus();
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
      const { doing, next } = button.dataset;
      const makesSense = doing ? possible[doing] ?? there : next !== "false";
      button.disabled = busy || !state || !makesSense;
    }
  }

  /** Where the focus goes from a button that was pressed. */
  function goOn(button) {
    if (button.dataset.step && button.disabled) nextStep()?.focus();
    else if (button.dataset.doing && button.disabled) document.querySelector("[data-doing]:enabled")?.focus();
    else button.focus();
  }

  function toPage() {
    const change = user.value !== state.users[0].key;
    if (change) user.value = state.users[0].key;
    at("app-title").scrollIntoView();
    if (change) inTurn(() => refresh(true)).then(() => at("app").focus());
    else at("app").focus();
  }

  function toStored() {
    at("stored-title").scrollIntoView();
    at("stored-title").focus();
  }

  // --- The app's page ---

  function drawPage({ address, fault }) {
    const { standing, key } = here();
    const there = standing === "Active" || standing === "Disabled";
    const words = {
      "Not installed": `The app is not installed on ${key} yet.`,
      Left: tooLate()
        ? `${key} has left, and it is too late to come back: whoever installs the app now begins anew, with nothing.`
        : `${key} has left. Whoever comes back within ${GRACE_DAYS} days finds everything.`,
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
    at("app").replaceWith(frame);
  }

  window.addEventListener("message", async (event) => {
    const frame = at("app").contentWindow;
    if (!state || !frame || event.source !== frame || event.origin !== state.functions || event.data?.lethe !== 1) return;
    if (event.data.ask === "resize") {
      at("app").style.height = `${Math.min(Math.max(Number(event.data.height) || 0, 200), 4000) + 2}px`;
    }
    if (event.data.ask === "token") {
      const { token } = await ask(ofSite(`token?${asUser()}`)).catch(() => ({}));
      frame.postMessage({ lethe: 1, id: event.data.id, token }, state.functions);
      soon();
    }
  });

  // Whoever asks for a token is about to call the functions: see what came of it.
  let later = 0;
  function soon() {
    clearTimeout(later);
    later = setTimeout(() => inTurn(() => refresh()), 300);
  }

  // --- What is stored, what is seen, what it costs ---

  const READABLE = {
    keys: ["the keys", "warn"],
    yes: ["readable: its keys are there", "good"],
    never: ["unreadable for anybody: its keys are gone", "bad"],
    open: ["nothing sealed in it", ""],
    unsealed: ["on its way, not sealed yet", "warn"],
  };

  function drawStored() {
    at("gone").hidden = !stored.gone;
    at("gone-said").textContent = stored.gone ? stored.said : "";
    at("stored-said").textContent = stored.said;
    draw(at("stored"), stored, () => stored.places.filter(({ items }) => items.length > 0).map((place) => {
      const count = place.items.length === 1 ? "1 item" : `${place.items.length} items`;
      return made("section", {}, made("h3", { textContent: `${place.name}: ${count}` }), ...place.items.map(item));
    }));
    if (at("stored").childElementCount === 0) at("stored").append(made("p", { className: "subtle", textContent: "Every table and every bucket is empty." }));
  }

  function item({ key, attributes, digest, readable }) {
    const whose = digest ? `${stored.tenants[digest] ?? "a tenant"} (${digest.slice(0, 8)}…)` : "nobody that is known";
    const [words, kind] = READABLE[readable];
    const summary = made("summary", {}, `${whose} `, lozenge(words, kind));
    const list = made("dl", {}, ...[...key, ...attributes].flatMap(({ name, shown, sealed }) => [
      made("dt", { textContent: name }),
      made("dd", { textContent: shown, className: sealed ? "sealed" : "" }),
    ]));
    return made("details", { className: `item ${readable}`, open: digest === stored.digest }, summary, list);
  }

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
  at("install-here").addEventListener("click", () => act("install"));
  for (const select of [site, user]) {
    select.addEventListener("change", () => {
      say("");
      inTurn(() => refresh(true));
    });
  }
  trouble.addEventListener("change", () => inTurn(async () => {
    say((await ask(ofSite("trouble"), { trouble: trouble.value })).said);
    await refresh(true);
  }));
  setInterval(tick, 1000);
  pressed(() => refresh(true));
})();
