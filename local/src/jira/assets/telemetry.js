// Telemetry: what pages have sent, what has left for each service, and what is counted. All of it is looked at again and again, because it leaves
// when nobody presses a button; only what is new is drawn. Everything is inserted as text.
import { at, distance, draw, lozenge, made, pairs } from "./drawing.js";

const LOOKED_EVERY = 2_000;
const DAY = 86_400_000;

/** How many requests are shown of each list. */
const SHOWN = 10;

const SENT = { "page-views": "A page was seen", "browser-errors": "Something failed" };

/** Says how telemetry is asked for and shown, on the page that asks and waits like this. */
export function telemetryOf({ ask, wanted, say, ofSite, user, now }) {
  async function look() {
    const { arrived, sinks, queue, usage } = await ask("telemetry");
    at("arrived-none").hidden = arrived.length > 0;
    renew(at("arrived"), arrived.slice(0, SHOWN), ({ sent, ...request }) => drawRequest(SENT[sent], request));
    for (const sink of sinks) drawSink(sink);
    const dead = queue.dead === 0 ? "" : ` ${queue.dead} could not leave and lie among the dead letters.`;
    at("telemetry-queue").textContent = `${queue.waiting === 1 ? "1 message waits" : `${queue.waiting} messages wait`} to leave.${dead}`;
    drawUsage(usage);
  }

  const ACTS = {
    error: () => report("error"),
    view: () => report("view"),
    report: () => wanted(async () => {
      const { said, reports } = await ask("telemetry/report", {});
      say(said);
      draw(at("reports"), reports, () => reports.map(drawReport));
    }),
  };

  function report(deed) {
    const [path, body] = [ofSite(`telemetry/${deed}`), { user: user.value }];
    return wanted(async () => {
      const { said, taken } = await ask(path, body);
      say(said, !taken);
      await look();
    });
  }

  for (const [act, press] of Object.entries(ACTS)) {
    document.querySelector(`button[data-telemetry="${act}"]`).addEventListener("click", press);
  }
  setInterval(() => {
    // The server says so itself if it is away, at the next thing that a person does.
    if (!document.hidden) look().catch(() => {});
  }, LOOKED_EVERY);

  // --- Drawing ---

  /** Puts what is new at the top and takes what is gone away, so that what was opened stays open. */
  function renew(place, list, make) {
    const there = new Map([...place.children].map((child) => [child.dataset.number, child]));
    const kept = list.map((one) => there.get(String(one.number)) ?? make(one));
    for (const [index, child] of kept.entries()) {
      if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
    }
    while (place.children.length > kept.length) place.lastElementChild.remove();
  }

  function drawSink({ key, name, received }) {
    let place = document.querySelector(`#sinks [data-sink="${key}"]`);
    if (!place) {
      const heading = made("h4", { id: `sink-${key}`, textContent: name });
      place = made("section", {}, heading, made("p", { className: "subtle", textContent: "Nothing yet." }), made("div"));
      place.dataset.sink = key;
      place.setAttribute("aria-labelledby", heading.id);
      at("sinks").append(place);
    }
    place.children[1].hidden = received.length > 0;
    renew(place.lastElementChild, received.slice(0, SHOWN), (request) => drawRequest(`${request.method} ${request.target}`, request));
  }

  function drawRequest(what, { number, at: date, headers, bytes, body, status, complaint }) {
    const words = `${date.slice(11, 19)} ${what}, ${bytes} bytes `;
    const summary = made("summary", {}, words, lozenge(status, status >= 400 || complaint ? "bad" : "good"));
    const list = made("dl", {}, ...headers.flatMap(([name, value]) => [made("dt", { textContent: name }), made("dd", { textContent: value })]));
    const text = made("pre", { tabIndex: 0, textContent: body });
    text.setAttribute("role", "region");
    text.setAttribute("aria-label", `The body of request ${number}: ${what}`);
    const wrong = complaint ? [made("p", { textContent: `It is wrong: ${complaint}.` })] : [];
    const item = made("details", { className: "item" }, summary, ...wrong, list, text);
    item.dataset.number = number;
    return item;
  }

  function drawUsage({ counters, salts }) {
    draw(at("salts"), [salts, Math.floor(now() / 3_600_000)], () => pairs(salts.map((day) => {
      const begins = Date.parse(day);
      const gone = new Date(begins + 2 * DAY).toISOString();
      return [`Salt of ${day}`, `made ${distance(day, now())}; destroyed ${distance(gone, now())}`];
    })));
    at("counters-none").hidden = counters.length > 0;
    at("counters").closest(".scroll").hidden = counters.length === 0;
    draw(at("counters"), counters, () => counters.map(({ day, app, function: name, id, calls }) => {
      const row = made("tr", {}, ...[day, app, name].map((text) => made("td", { textContent: text })), made("td", { className: "code", textContent: id }), made("td", { textContent: calls }));
      row.dataset.function = name;
      return row;
    }));
  }

  function drawReport({ day, smallestGroup, functions }) {
    const few = `No function was used by ${smallestGroup} tenants or more, so nothing is told.`;
    const rows = functions.map(({ function: name, tenants, calls }) => [name, `${calls} calls of ${tenants} tenants`]);
    const told = rows.length > 0 ? made("dl", { className: "pairs" }, ...pairs(rows)) : made("p", { className: "subtle", textContent: few });
    return made("section", {}, made("h4", { textContent: `Report of ${day}` }), told);
  }

  /** Which buttons make sense. */
  const may = (act, standing) => act === "report" || standing === "Active" || standing === "Disabled";

  return { look, may };
}
