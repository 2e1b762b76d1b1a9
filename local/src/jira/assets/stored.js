// What lies in AWS, as it is stored. Nothing is opened here.
import { at, draw, lozenge, made } from "./drawing.js";

const READABLE = {
  keys: ["the keys", "warn"],
  yes: ["readable: its keys are there", "good"],
  never: ["unreadable for anybody: its keys are gone", "bad"],
  open: ["nothing sealed in it", ""],
  unsealed: ["on its way, not sealed yet", "warn"],
};

/** What grows with every look at a leaving, and says only that somebody looked. */
const AUDIT = "AuditTable";

/** Shows everything that lies there, and what it comes to for the site that is shown. */
export function drawStored(stored) {
  at("gone").hidden = !stored.gone;
  at("gone-said").textContent = stored.gone ? stored.said : "";
  at("stored-said").textContent = stored.said;
  draw(at("stored"), stored, () => stored.places.filter(({ items }) => items.length > 0).map((place) => {
    const count = place.items.length === 1 ? "1 item" : `${place.items.length} items`;
    const items = place.items.map((one) => drawItem(stored, one, place.name !== AUDIT && one.digest === stored.digest));
    return made("section", {}, made("h3", { textContent: `${place.name}: ${count}` }), ...items);
  }));
  if (at("stored").childElementCount === 0) at("stored").append(made("p", { className: "subtle", textContent: "Every table and every bucket is empty." }));
}

/** What lies in a table of the tenant that is shown. */
export const ofTenant = ({ places, digest }, table) => places.find(({ name }) => name === table)?.items.filter((one) => one.digest === digest) ?? [];

/** One item, with every attribute. */
export function drawItem(stored, { key, attributes, digest, readable }, open) {
  const whose = digest ? `${stored.tenants[digest] ?? "a tenant"} (${digest.slice(0, 8)}…)` : "nobody that is known";
  const [words, kind] = READABLE[readable];
  const summary = made("summary", {}, `${whose} `, lozenge(words, kind));
  const list = made("dl", {}, ...[...key, ...attributes].flatMap(({ name, shown, sealed }) => [
    made("dt", { textContent: name }),
    made("dd", { textContent: shown, className: sealed ? "sealed" : "" }),
  ]));
  return made("details", { className: `item ${readable}`, open }, summary, list);
}
