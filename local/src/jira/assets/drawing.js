// How things are put on the page: always as text, and only where they differ from what is there.

export const DAY = 86_400_000;
const HOUR = 3_600_000;

export const at = (id) => document.getElementById(id);

export function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const drawn = new Map();

/** Draws again only what is different, so that focus and what was opened stay where they are. */
export function draw(place, value, nodes) {
  const text = JSON.stringify(value);
  if (drawn.get(place) === text) return;
  drawn.set(place, text);
  place.replaceChildren(...nodes());
}

export const lozenge = (words, kind) => made("span", { className: `lozenge ${kind}`, textContent: words });

/** A list of names and values, in one line each. */
export const pairs = (rows) => rows.flatMap(([name, ...value]) => [made("dt", { textContent: name }), made("dd", {}, ...value)]);

/** A moment, as short as it can be. */
export const moment = (date) => `${date.slice(0, 16).replace("T", " ")} UTC`;

/** How far a moment is from now, in words. */
export function distance(date, now) {
  const ahead = Date.parse(date) - now;
  const counted = (count, unit) => `${count} ${unit}${count === 1 ? "" : "s"}`;
  if (ahead > DAY) return `in ${counted(Math.ceil(ahead / DAY), "day")}`;
  if (ahead > 0) return `in ${counted(Math.ceil(ahead / HOUR), "hour")}`;
  return ahead > -DAY ? "within the last day" : `${counted(Math.floor(-ahead / DAY), "day")} ago`;
}

const WHAT = {
  "tenant-keys": "keys", account: "account",
  configuration: "settings", attachment: "descriptions of files", "attachment-usage": "counters of files", upload: "uploads that were begun",
  licence: "notes of the licence", "issue-copies": "copies of issues", "seen-event": "marks of events that were seen",
  "sealed-versions": "sealed files", "sealed-uploads": "files being sealed",
  "incoming-objects": "files not sealed yet", "incoming-uploads": "files on their way",
};

const HOW = {
  "keys-shredded": "destroyed, so that nothing opens the rest",
  deleted: "deleted, each by its name",
  "all-versions-deleted": "deleted, with every version",
  aborted: "aborted, with all parts",
};

/** What is or was deleted; whatever is new has its own name. */
export const what = (name) => WHAT[name] ?? name;

/** How it is deleted. */
export const how = (method) => HOW[method] ?? method;
