// Issues: what users do to them, what the app was not told of yet, and what it keeps. The copies are what the app itself answers to the page
// of the chosen user, and what is stored of them is what lies in its table. Everything is inserted as text.
import { at, distance, draw, lozenge, made, moment, pairs } from "./drawing.js";
import { drawItem, ofTenant } from "./stored.js";

const TABLE = "IssueCopiesTable";

/** The fields that are ticked before anything is selected. */
const FIRST_FIELDS = ["summary", "status", "description"];

const [form, project, summary, description, status, assignee, comment] = ["issue", "issue-project", "issue-summary", "issue-description", "issue-status", "issue-assignee", "issue-comment"].map(at);

/** Says how issues are asked for, shown and changed, on the page that asks and waits like this. */
export function issuesOf({ ask, wanted, say, refresh, ofSite, user }) {
  /** The issue that is looked at, by site: deleted or not, what the app says of it is shown. */
  const looked = new Map();
  let told;
  let shownSite;

  const chosen = () => looked.get(ofSite(""));
  const present = () => told?.issues.find(({ id }) => id === chosen()?.id);

  /** Asks for all that is shown of the site that is chosen now. */
  async function look() {
    const issue = chosen();
    const copiesOf = issue && ofSite(`issues/${issue.id}/copies?user=${encodeURIComponent(user.value)}`);
    const [all, copies] = await Promise.all([ask(ofSite("issues")), copiesOf ? ask(copiesOf) : null]);
    return { ...all, issue, copies };
  }

  /** What a person asked for; the server says what came of it. */
  const change = (path, body, after) => wanted(async () => {
    const done = await ask(path, body);
    if (after) after(done);
    say(done.said, !done.taken);
    await refresh();
  });

  function choose(issue) {
    const site = ofSite("");
    return wanted(async () => {
      looked.set(site, issue);
      fill(issue);
      await refresh();
    });
  }

  // --- The form ---

  const draft = () => ({
    project: Number(project.value), summary: summary.value, description: description.value, status: status.value, assignee: assignee.value || null,
  });

  function fill(issue) {
    project.value = String(issue?.project ?? told.projects[0].id);
    summary.value = issue?.summary ?? "";
    description.value = issue?.description ?? "";
    status.value = issue?.status ?? told.statuses[0].key;
    assignee.value = issue?.assignee ?? "";
    comment.value = "";
  }

  function save(as) {
    const [site, issue] = [ofSite(""), present()];
    const path = ofSite(issue ? `issues/${issue.id}/edit` : "issues");
    return change(path, { as, draft: draft() }, (done) => {
      looked.set(site, done.issue);
      if (site === ofSite("")) fill(done.issue);
    });
  }

  function select(projects, fields) {
    return change(ofSite("selection"), { projects, fields });
  }

  const ticked = (id) => [...at(id).querySelectorAll("input:checked")].map(({ value }) => value);

  const ACTS = {
    select: () => select(ticked("selection-projects"), ticked("selection-fields")),
    deselect: () => select([], []),
    new: () => choose(undefined).then(() => summary.focus()),
    "save-as-app": () => form.reportValidity() && save("app"),
    comment: () => change(ofSite(`issues/${present().id}/comment`), { as: user.value, text: comment.value }, () => (comment.value = "")),
    delete: () => change(ofSite(`issues/${present().id}/delete`), { as: user.value }, () => fill(undefined)),
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!at("issue-save").disabled) save(user.value);
  });
  for (const [act, press] of Object.entries(ACTS)) {
    document.querySelector(`button[data-issue="${act}"]`).addEventListener("click", press);
  }

  /** Which buttons make sense. */
  function may(act, standing) {
    if (!told) return false;
    if (act === "select" || act === "deselect") return standing === "Active";
    return act === "save" || act === "new" || act === "look" || Boolean(present());
  }

  // --- Drawing ---

  function drawAll(all, stored, standing, now) {
    const first = !told;
    told = all;
    const another = shownSite !== ofSite("");
    shownSite = ofSite("");
    if (first) drawChoices(all);
    if (another) fill(present());
    drawSelection(all.selection, standing, another);
    drawList(all);
    drawWaiting(all, now);
    const there = present();
    at("issue-title").textContent = there ? `3. Change ${there.key}` : "3. A new issue";
    at("issue-save").textContent = there ? "Save" : "Create";
    drawCopies(all, stored, now);
  }

  /** What may be chosen, which never changes. */
  function drawChoices({ projects, statuses, fields }) {
    const option = (value, textContent) => made("option", { value, textContent });
    project.append(...projects.map(({ id, key, name }) => option(String(id), `${key}: ${name}`)));
    status.append(...statuses.map(({ key, name }) => option(key, name)));
    // Nobody in particular has no account, and is nobody's assignee.
    const people = [...user.options].filter(({ value }) => value !== "nobody");
    assignee.append(option("", "Nobody"), ...people.map(({ value, textContent }) => option(value, textContent)));
    const box = (value, words) => made("label", {}, made("input", { type: "checkbox", value }), words);
    at("selection-projects").append(...projects.map(({ id, key }) => box(String(id), key)));
    at("selection-fields").append(...fields.map((field) => box(field, field)));
  }

  /** What is selected; the ticks follow it, unless a person is at them. */
  function drawSelection({ status: answered, body }, standing, another) {
    const kept = answered === 200 ? body : undefined;
    const keeps = Boolean(kept?.projects?.length && kept?.fields?.length);
    const keys = (kept?.projects ?? []).map((id) => told.projects.find((one) => String(one.id) === id)?.key ?? id);
    at("selection-said").textContent = said();
    if (another) tick(["selection-projects", keeps ? kept.projects : [String(told.projects[0].id)]], ["selection-fields", keeps ? kept.fields : FIRST_FIELDS]);
    function said() {
      if (standing !== "Active") return "The app is not in use on this site: it is told nothing.";
      if (keeps) return `Of ${keys.join(" and ")}: ${kept.fields.join(", ")}.`;
      return answered === 200 || answered === 404 ? "Nothing of any issue: by default none is selected. Choose, and press Keep these." : `That cannot be said: the app answers ${answered ?? "nothing"}.`;
    }
  }

  function tick(...choices) {
    for (const [id, values] of choices) for (const box of at(id).querySelectorAll("input")) box.checked = values.includes(box.value);
  }

  function drawList({ issues }) {
    at("issues-none").hidden = issues.length > 0;
    draw(at("issues-list"), issues, () => issues.map((issue) => {
      const name = told.statuses.find(({ key }) => key === issue.status)?.name;
      const press = made("button", { type: "button" }, made("span", { className: "key", textContent: issue.key }), ` ${issue.summary} `, lozenge(name, issue.status === "done" ? "good" : ""));
      Object.assign(press.dataset, { issue: "look", key: issue.key });
      press.addEventListener("click", () => choose(told.issues.find(({ id }) => id === issue.id)));
      return made("li", {}, press);
    }));
    for (const press of at("issues-list").querySelectorAll("button")) press.setAttribute("aria-pressed", String(press.dataset.key === present()?.key));
  }

  function drawWaiting({ webhooks, queue }, now) {
    const counted = (count, what) => `${count === 0 ? "No" : count} ${what}${count === 1 ? " waits" : "s wait"}`;
    const dead = queue.dead > 0 ? ` ${queue.dead} could not be handled and lie among the dead letters.` : "";
    at("issues-waiting-said").textContent = `${counted(queue.waiting, "message")} in the app’s queue.${dead} ${counted(webhooks.length, "webhook")} to be sent again.`;
    draw(at("issues-waiting"), [webhooks, now], () => webhooks.map(({ event, issue, retry, due, lastStatus }) => made("li", {
      textContent: `${event} of ${issue}, answered ${lastStatus ?? "nothing"}: retry ${retry} of 5 on ${moment(due)}`,
    })));
  }

  // --- What the app keeps of one of them ---

  function drawCopies({ issue, copies, issues }, stored, now) {
    at("copies").hidden = !issue;
    if (!issue) return;
    const there = issues.find(({ id }) => id === issue.id);
    const answered = copies?.status;
    const kept = answered === 200 ? copies.body : undefined;
    at("copies-title").textContent = `What the app keeps of ${there?.key ?? issue.key}`;
    draw(at("copies-status"), copies, () => [made("span", { className: "code", textContent: copies.request }), " ", lozenge(answered ?? "no answer", answered === 200 ? "good" : answered === 404 ? "" : "bad")]);
    at("copies-said").textContent = `${there ? "" : `${issue.key} is deleted in Jira. `}${inWords(copies)}`;
    draw(at("copies-dates"), [kept?.lastEventAt, kept?.goneAt, kept && distance(kept.goneAt, now)], () => (kept ? pairs([
      ["Last event", moment(kept.lastEventAt)],
      ["Gone by", `${moment(kept.goneAt)} (${distance(kept.goneAt, now)})`],
    ]) : []));
    draw(at("copies-both"), kept ? [kept.latest, kept.previous] : [], () => (kept ? [copy("Latest", kept.latest), copy("Previous", kept.previous)] : []));
    at("difference").hidden = !kept?.difference?.length;
    draw(at("difference-rows"), kept?.difference ?? [], () => (kept?.difference ?? []).map(({ field, before, after }) => {
      const row = made("tr", {}, made("th", { scope: "row", textContent: field }), made("td", { textContent: text(before) }), made("td", { textContent: text(after) }));
      row.dataset.field = field;
      return row;
    }));
    const items = ofTenant(stored, TABLE);
    const [sealed, marks] = [items.filter(isCopy), items.filter((one) => !isCopy(one))];
    const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
    at("copies-stored-said").textContent = items.length === 0
      ? "Nothing of this site lies in the table of copies."
      : `Of this site: ${counted(sealed.length, "sealed item")} (one for each issue that is kept), and ${counted(marks.length, "mark")} of events that were seen. Nothing in them says which issue it is.`;
    draw(at("copies-stored"), items, () => [...sealed, ...marks].map((one) => drawItem(stored, one, items.length === 1)));
  }

  /** Which kind it is, its partition says. */
  const isCopy = ({ key }) => key.some(({ shown }) => shown.endsWith("#issue-copies"));

  const inWords = ({ status: answered, body }) => ({
    200: "Here is all of it.",
    403: `The app refuses: ${body?.detail ?? "this user does not see the project"}.`,
    404: "Nothing is kept of it.",
  })[answered] ?? `The app answers ${answered ?? "nothing"}.`;

  function copy(title, version) {
    const heading = made("h4", { textContent: title });
    const part = made("section", { className: "part" }, heading);
    part.dataset.copy = title.toLowerCase();
    part.setAttribute("aria-label", title);
    if (!version) {
      part.append(made("p", { className: "subtle", textContent: "There is none yet." }));
      return part;
    }
    const { event, at: when, fields, leftOut = [] } = version;
    const json = made("pre", { tabIndex: 0, textContent: JSON.stringify(fields, null, 2) });
    json.setAttribute("role", "region");
    json.setAttribute("aria-label", `${title}, its fields`);
    const missing = leftOut.length > 0 ? [made("p", { className: "subtle", textContent: `Left out, because it is too large: ${leftOut.join(", ")}.` })] : [];
    part.append(made("p", { textContent: `${event}, ${moment(when)}` }), json, ...missing);
    return part;
  }

  const text = (value) => (value === undefined ? "not there" : typeof value === "string" ? value : JSON.stringify(value));

  return { look, draw: drawAll, may };
}
