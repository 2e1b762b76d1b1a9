// The proof: a deletion certificate in plain words, its salt, and the very files that are verified.
import { at, distance, draw, how, made, moment, pairs, what } from "./drawing.js";

const COMMAND = "cargo run -p local -- verify certificate.json";

/** Shows the certificate of a departure, if there is one; `files` is where it can be had. */
export function drawCertificate(departure, files, now) {
  const certificate = departure?.purge?.certificate?.certificate;
  at("proof").hidden = !certificate;
  if (!certificate) return;
  at("certificate-file").href = `${files}/certificate.json`;
  at("certificate-command").textContent = COMMAND;
  at("salt").textContent = departure.purge.salt;
  const { backups } = certificate;
  const distances = [distance(backups.unreadableBy, now), distance(backups.goneBy, now)];
  draw(at("certificate"), [certificate, distances], () => pairs([...told(certificate), ...after(backups, distances)]));
  draw(at("deleted"), certificate.deleted, () => certificate.deleted.map(deletedRow));
}

function told({ issuer, issuedAt, leftAt, cause, graceEndedAt, earlyRequestedAt, shreddedAt, verifiedAt, holds, promiseSuspended, deadlineMissed }) {
  const held = holds.map(({ reason, placedAt, until, liftedAt }) => ["Held", `${reason}, from ${moment(placedAt)} to ${moment(liftedAt ?? until)}`]);
  return [
    ["Certified by", `${issuer.service} in ${issuer.region}, for ${issuer.app}, on ${moment(issuedAt)}`],
    ["Left", `${moment(leftAt)} (${cause})`],
    ["Grace ended", moment(graceEndedAt)],
    ...(earlyRequestedAt ? [["Asked to delete", moment(earlyRequestedAt)]] : []),
    ...held,
    ["Keys destroyed", moment(shreddedAt)],
    ["Found empty", `${moment(verifiedAt[0])}, and again ${moment(verifiedAt[1])}`],
    ...(promiseSuspended ? [["Suspended", "a hold stood so long that the deadline could not be met, and the promise waited for it"]] : []),
    ...(deadlineMissed ? [["Late", "the deadline was missed"]] : []),
  ];
}

const after = ({ unreadableBy, goneBy }, [unreadable, gone]) => [
  ["Backups", `cannot be read from ${moment(unreadableBy)} on (${unreadable})`],
  ["", `the last one is gone on ${moment(goneBy)} (${gone})`],
];

function deletedRow({ what: name, method, count }) {
  const row = made("tr", {}, made("th", { scope: "row", textContent: what(name) }), made("td", { textContent: count }), made("td", { textContent: how(method) }));
  Object.assign(row.dataset, { what: name, count });
  return row;
}

/** Copies the command, or marks it where nothing may be copied. */
export async function copyCommand(say) {
  try {
    await navigator.clipboard.writeText(COMMAND);
    say("The command is copied: run it where the two files lie, or name their folder.");
  } catch {
    getSelection().selectAllChildren(at("certificate-command"));
    say("The command is marked: copy it.");
  }
}
