// What comes after leaving: the countdown to the last copy, and what operators can do meanwhile.
//
// The server answers what the function `erasure` answers. Everything in it is inserted as text.
import { DAY, at, distance, draw, how, lozenge, made, moment, pairs, what } from "./drawing.js";

const STAGES = {
  marked: ["Kept for a return", "warn"],
  held: ["Held", "warn"],
  due: ["Due", "warn"],
  purging: ["Being deleted", "bad"],
  purged: ["Deleted", "good"],
};

const CAUSES = {
  uninstalled: "the app was uninstalled",
  dormant: "its site refuses the app",
  "licence-ended": "its licence ended",
  operator: "an operator marked it",
};

/** What the last departure of a status is about, unless it is over by a return. */
export function openDeparture(status) {
  const last = status?.departures?.at(-1);
  return last?.stage === "returned" ? undefined : last;
}

/** Shows the departure of a site, or nothing if there is none. */
export function drawLeaving(site, departure, now, { fault, receipt, dryRun }) {
  at("leaving").hidden = !departure && !fault;
  at("leaving-said").textContent = departure ? told(site, departure) : fault ?? "";
  draw(at("leaving-stage"), departure && stage(departure, now), () => (departure ? [lozenge(...STAGES[stage(departure, now)])] : []));
  drawWay(departure, now);
  const kept = departure?.stage === "marked";
  at("hold-card").hidden = !kept;
  at("early-card").hidden = !kept && !departure?.earlyDeletionAskedAt;
  at("dry-run-card").hidden = !kept;
  drawHold(departure);
  drawEarly(departure, receipt, now);
  drawDryRun(kept ? dryRun : undefined, departure);
}

/** Which of the operator's buttons make sense; `active` is whether the app is on the site. */
export function mayOperate(deed, departure, active, now) {
  if (deed === "mark") return active && !departure;
  if (!departure) return false;
  const kept = departure.stage === "marked";
  return { hold: kept, lift: kept && Boolean(departure.hold), "dry-run": kept, "early-deletion": !notYet(departure, now) }[deed] ?? false;
}

/** Why earlier deletion may not be asked for yet, if it may not. */
function notYet({ stage: name, hold, cause, doubtedUntil, leftAt, earlyDeletionAskedAt }, now) {
  if (hold) return "A hold stands: it must be lifted first.";
  if (name !== "marked" || earlyDeletionAskedAt) return "";
  if (cause === "uninstalled" && doubtedUntil) return "It is in doubt whether it has left: its site is asked first.";
  if (cause === "operator" && now < Date.parse(leftAt) + DAY) return "First comes a day in which a mistake shows.";
  return "";
}

function stage({ stage: name, hold, mayReturnUntil }, now) {
  if (name !== "marked") return name;
  if (hold) return "held";
  return mayReturnUntil && Date.parse(mayReturnUntil) > now ? "marked" : "due";
}

function told(site, { stage: name, cause, evidence, doubtedUntil, mayReturnUntil, purge }) {
  const why = `${site} has left: ${CAUSES[cause] ?? cause}.`;
  if (name === "purged") return `${why} Everything is deleted, and nothing was found any more when it was looked for twice.`;
  if (name === "purging") return `${why} Its keys are deleted since ${moment(purge.keysDeletedAt)}. The rest is going, and is then looked for twice, an hour apart.`;
  const shown = evidence ? ` It was answered ${evidence.lastStatus}, ${evidence.times} times since ${moment(evidence.since)}.` : "";
  const doubt = doubtedUntil ? ` That is not certain: on ${moment(doubtedUntil)} the site itself is asked.` : "";
  const kept = mayReturnUntil ? " Whoever comes back in time finds everything." : " The grace is over: the purge comes within the hour.";
  return why + shown + doubt + kept;
}

// --- The countdown ---

/** When the last backup is gone: as certified, once it is, and by the latest reckoning before. */
export const allGoneBy = ({ purge, goneBy }) => purge?.certificate?.certificate.backups.goneBy ?? goneBy;

const WAY = [
  ["left", "Left", "All use has ended.", ({ leftAt }) => leftAt],
  ["return", "May return until", "Everything is kept.", ({ mayReturnUntil, purgeAfter }) => mayReturnUntil ?? purgeAfter],
  ["keys", "The keys go", "In the hourly purge. Should it fail, by TTL.", ({ purge, mayReturnUntil, purgeAfter }) => purge?.keysDeletedAt ?? mayReturnUntil ?? purgeAfter],
  ["unreadable", "Nothing can be read anywhere", "In no backup either.", ({ unreadableBy }) => unreadableBy],
  ["gone", "Nothing exists anywhere", "The last backup is gone.", allGoneBy],
  ["deadline", "The deadline", "What we promise.", ({ deadline }) => deadline],
];

function drawWay(departure, now) {
  const way = departure ? WAY.map(([name, title, words, date]) => ({ name, title, words, date: date(departure) })) : [];
  const reached = way.findLastIndex(({ name, date }) => has(name, departure, date, now));
  const value = way.map((point, index) => [point, distance(point.date, now), index === reached]);
  draw(at("way"), value, () => value.map(([{ name, title, words, date }, far, current], index) => {
    const when = made("p", {}, made("time", { dateTime: date, textContent: moment(date) }));
    const text = made("p", { className: "subtle", textContent: words });
    const item = made("li", { className: index <= reached ? "done" : "" }, made("strong", { textContent: title }), when, made("p", { className: "far", textContent: far }), text);
    item.dataset.point = name;
    if (current) item.setAttribute("aria-current", "step");
    return item;
  }));
}

/** Whether a point of the way is behind: the keys are gone when they are, not when they should be. */
const has = (name, departure, date, now) => (name === "keys" ? Boolean(departure.purge) : Date.parse(date) <= now);

// --- What operators do ---

function drawHold(departure) {
  const { hold, pastHolds = [] } = departure ?? {};
  const past = pastHolds.map(({ reason, placedAt, endedAt }) => `${reason}, from ${moment(placedAt)} to ${moment(endedAt)}`);
  const late = hold?.suspendsThePromise ? [["Promise", lozenge("waits for the hold", "bad")]] : [];
  const rows = hold
    ? [["Placed by", hold.placedBy], ["Reason", hold.reason], ["Since", moment(hold.placedAt)], ["Until", moment(hold.until)], ...late]
    : [["Now", "Nothing makes the purge wait."]];
  draw(at("hold"), [hold, past], () => pairs([...rows, ...past.map((words) => ["Before", words])]));
  at("hold-place").textContent = hold ? "Renew for 30 days" : "Hold for 30 days";
}

function drawEarly(departure, receipt, now) {
  const asked = Boolean(departure?.earlyDeletionAskedAt);
  const said = asked ? `It was asked for on ${moment(departure.earlyDeletionAskedAt)}.` : "Ends the grace now, if the customer asks for it.";
  at("early-said").textContent = departure && !asked ? notYet(departure, now) || said : said;
  at("early-why").hidden = asked;
  at("early-ask").textContent = asked ? "Show the receipt" : "Delete earlier";
  at("receipt").hidden = !receipt;
  draw(at("receipt"), receipt, () => (receipt ? pairs([
    ["Receipt", made("span", { className: "code", textContent: receipt.receipt })],
    ...(receipt.askedAt ? [["Asked for", moment(receipt.askedAt)]] : []),
    ["Deleted", `but for backups, by ${moment(receipt.liveDataGoneBy)}`],
    ["Unreadable", `everywhere by ${moment(receipt.unreadableBy)}`],
    ["Gone", `everywhere by ${moment(receipt.goneBy)}`],
  ]) : []));
}

/** When what is listed will be gone, by the names that a dry run has for its dates. */
const KEYS_GO = "the keys are deleted";
const REST_GOES = "everything but backups is deleted";

function drawDryRun(dryRun, departure) {
  const life = dryRun?.lives.find(({ tenantId }) => tenantId === departure.tenantId);
  at("dry-run").hidden = !life;
  if (!life) return;
  const date = (stage) => life.when.find((one) => one.stage === stage)?.at ?? "";
  const some = life.what.filter(({ count }) => count > 0);
  const none = life.what.filter(({ count }) => count === 0).map((thing) => what(thing.what));
  const days = Math.round((Date.parse(life.why.deadline) - Date.parse(life.why.leftAt)) / DAY);
  at("dry-run-why").textContent = `Because ${CAUSES[life.why.cause] ?? life.why.cause} on ${moment(life.why.leftAt)}, and because we promise that nothing exists ${days} days later.`;
  draw(at("dry-run-rows"), life, () => some.map((thing) => {
    const by = date(thing.what === "tenant-keys" ? KEYS_GO : REST_GOES);
    const size = thing.bytes ? ` (${thing.bytes} bytes)` : "";
    const row = made("tr", {},
      made("th", { scope: "row", textContent: what(thing.what) }),
      made("td", { textContent: `${thing.count}${thing.andMore ? " or more" : ""}${size}` }),
      made("td", { textContent: how(thing.how) }),
      made("td", { textContent: `by ${moment(by)}` }),
    );
    Object.assign(row.dataset, { what: thing.what, count: thing.count });
    return row;
  }));
  at("dry-run-none").textContent = none.length > 0 ? `There are none of these: ${none.join(", ")}.` : "";
}
