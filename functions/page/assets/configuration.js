// The configuration: read by every user, changed by administrators, with a fresh token of the site's for every call.
//
// Whatever others wrote is inserted as text. A change names the revision that it was made on, so that two administrators do not overwrite
// each other without seeing it; what was typed stays in the editor until it is stored or cancelled.

{
  const [message, state, retry, list, more] = ["message", "state", "retry", "settings", "more"].map(at);

  const place = (name) => `configuration/${encodeURIComponent(name)}`;

  /** A setting as it is stored now; null if it is not there. */
  async function read(name) {
    try {
      return { name, ...(await call("GET", place(name))) };
    } catch (fault) {
      if (fault.status === 404) return null;
      throw fault;
    }
  }

  /** The settings of an answer. JSON.parse would round long numbers, so the values are cut out of it as they were written. */
  function settings(text) {
    const values = [];
    let [depth, begin, before] = [0, -1, ""];
    for (const { 0: piece, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g)) {
      if (begin >= 0 && depth === 3 && (piece === "," || piece === "}")) {
        values.push(text.slice(begin, index).trim());
        begin = -1;
      }
      if (piece === "{" || piece === "[") depth += 1;
      if (piece === "}" || piece === "]") depth -= 1;
      if (piece === ":" && depth === 3 && before === '"value"') begin = index + 1;
      before = piece;
    }
    return JSON.parse(text).configuration.map(({ name, etag }, index) => ({ name, etag, text: values[index] }));
  }

  // --- What is said ---

  const say = speaker(message);
  const tell = (fault) => say("failed", explain(fault));

  /** One thing at a time: while a change is on its way, no other begins. */
  let busy = false;
  async function alone(work) {
    if (busy) return;
    busy = true;
    list.setAttribute("aria-busy", "true");
    message.replaceChildren();
    try {
      await work();
    } catch (fault) {
      tell(fault);
    } finally {
      busy = false;
      list.removeAttribute("aria-busy");
    }
  }

  // --- The list ---

  const shown = new Map();
  let cursor;

  function show(setting, first = false) {
    const item = element("li", "", { "data-name": setting.name });
    const value = element("pre", setting.text, { role: "group", "aria-label": `Value of ${setting.name}` });
    item.append(element("h3", setting.name, { tabindex: "-1" }), value);
    if (mayAdminister) item.append(actions(setting));
    const known = shown.get(setting.name);
    if (known) known.item.replaceWith(item);
    else if (first) list.prepend(item);
    else list.append(item);
    // What scrolls must be reachable by the keyboard.
    if (value.scrollHeight > value.clientHeight) value.tabIndex = 0;
    shown.set(setting.name, { ...setting, item });
    settle();
  }

  function hide(name) {
    shown.get(name)?.item.remove();
    shown.delete(name);
    settle();
  }

  function settle() {
    const none = mayAdminister ? "Nothing is set yet. Add the first setting." : "Nothing is set yet.";
    state.textContent = shown.size === 0 && cursor === undefined ? none : "";
    more.hidden = cursor === undefined;
    retry.hidden = true;
  }

  async function load() {
    const opener = document.activeElement;
    state.textContent = "Loading the settings…";
    retry.hidden = true;
    more.hidden = true;
    try {
      const { text } = await call("GET", cursor === undefined ? "configuration" : `configuration?cursor=${encodeURIComponent(cursor)}`);
      const found = settings(text);
      cursor = JSON.parse(text).cursor;
      for (const setting of found) show(setting);
      settle();
      if (mayAdminister) at("add").disabled = false;
      // The button that was pressed is gone: the keyboard goes on at what it brought.
      if (opener === more || opener === retry) (found.length > 0 ? shown.get(found[0].name).item.querySelector("h3") : at("configured")).focus();
    } catch (fault) {
      // A place in the list is good for an hour; after that it is read from its beginning.
      if (fault.status === 400) cursor = undefined;
      state.textContent = shown.size === 0 ? "The settings cannot be shown." : "The rest of the settings cannot be shown.";
      retry.hidden = false;
      tell(fault);
    }
  }

  function actions({ name }) {
    const row = element("p", "", { class: "actions" });
    const edit = button("Edit", { "data-edit": "", "aria-label": `Edit ${name}` }, () => open(shown.get(name)));
    const remove = button("Delete", { "data-delete": "", "aria-label": `Delete ${name}` }, () => {
      const keep = button("Keep", { "data-keep": "", "aria-label": `Keep ${name}` }, () => {
        row.replaceChildren(edit, remove);
        remove.focus();
      });
      const confirm = button("Delete", { class: "danger", "data-confirm-delete": "", "aria-label": `Delete ${name} for good` }, () => alone(() => erase(name)));
      row.replaceChildren(element("span", "Delete it for everybody?"), confirm, keep);
      keep.focus();
    });
    row.append(edit, remove);
    return row;
  }

  /** Where the keyboard goes on after a change. */
  function focusOn(name) {
    (shown.get(name)?.item.querySelector("[data-edit]") ?? at("configured")).focus();
  }

  async function erase(name) {
    try {
      await call("DELETE", place(name), { headers: { "if-match": shown.get(name).etag } });
    } catch (fault) {
      if (fault.status !== 412) throw fault;
      const now = await read(name);
      if (now) {
        show(now);
        focusOn(name);
        say("failed", `${name} was not deleted: somebody changed it since you saw it. It is shown as it is now.`);
        return;
      }
    }
    hide(name);
    if (editing?.name === name) editing.etag = null;
    focusOn(name);
    say("done", `${name} is deleted.`);
  }

  // --- The editor ---

  const form = at("editor");
  const fields = form && { name: at("setting-name"), value: at("setting-value") };
  /** The setting in the editor: its name, and the revision to change; null: there is none yet. */
  let editing = null;

  const typed = () => editing && (fields.value.value !== editing.text || (!editing.name && fields.name.value !== ""));

  function open(setting) {
    if (busy) return;
    if (typed()) {
      say("failed", "Save or cancel what you are editing first.");
      fields.value.focus();
      return;
    }
    at("editor-title").textContent = setting ? `Edit ${setting.name}` : "Add a setting";
    editing = { name: setting?.name ?? "", etag: setting?.etag ?? null, text: setting?.text ?? "" };
    fields.name.value = editing.name;
    fields.name.readOnly = Boolean(setting);
    fields.value.value = editing.text;
    // A text area knows one kind of line end.
    editing.text = fields.value.value;
    right();
    at("conflict").hidden = true;
    form.hidden = false;
    (setting ? fields.value : fields.name).focus();
  }

  function close() {
    const name = editing?.name;
    editing = null;
    form.hidden = true;
    if (shown.has(name)) focusOn(name);
    else at("add").focus();
  }

  function right() {
    for (const field of ["name", "value"]) {
      at(`${field}-error`).textContent = "";
      fields[field].removeAttribute("aria-invalid");
    }
  }

  function wrong(field, words) {
    at(`${field}-error`).textContent = words;
    fields[field].setAttribute("aria-invalid", "true");
    fields[field].focus();
  }

  async function save() {
    right();
    const [name, text] = [fields.name.value.trim(), fields.value.value];
    // A browser takes a lone dot or two for a step in the path.
    if (!/^[A-Za-z0-9._-]{1,128}$/.test(name) || /^\.\.?$/.test(name)) {
      return wrong("name", "The name must be 1 to 128 letters, digits, hyphens, underscores or dots, and not a dot or two alone.");
    }
    try {
      JSON.parse(text);
    } catch (fault) {
      return wrong("value", `This is not JSON: ${fault.message}`);
    }
    at("save").textContent = "Saving…";
    try {
      const condition = editing.etag === null ? { "if-none-match": "*" } : { "if-match": editing.etag };
      const { etag } = await call("PUT", place(name), { headers: { ...condition, "content-type": "application/json" }, body: text });
      stored({ name, etag, text: text.trim() });
    } catch (fault) {
      if (fault.status === 412) await conflict(name, text);
      else if (fault.field) wrong(fault.field, fault.message);
      else throw fault;
    } finally {
      at("save").textContent = "Save";
    }
  }

  function stored(setting) {
    show(setting, true);
    editing = { ...editing, name: setting.name };
    close();
    say("done", `${setting.name} is saved.`);
  }

  /** Somebody else was there first. What is stored is shown, what was typed stays, and saving again is a decision. */
  async function conflict(name, text) {
    const now = await read(name);
    // Our own change, whose answer was lost.
    if (now && now.text === text.trim()) return stored(now);
    const added = editing.etag === null;
    editing.etag = now ? now.etag : null;
    at("conflict").hidden = !now;
    at("stored").textContent = now ? now.text : "";
    if (now) show(now, true);
    else hide(name);
    const since = added ? `${name} is there already` : `${name} was changed by somebody else since you opened it`;
    say("failed", now
      ? `Not saved: ${since}. It is shown as it is stored now, and your text is still in the editor. Save again to replace what is stored, or cancel to keep it.`
      : `Not saved: ${name} was deleted by somebody else since you opened it. Your text is still in the editor. Save again to add it anew, or cancel.`);
    fields.value.focus();
  }

  if (form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      alone(save);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !busy && !typed()) close();
    });
    at("cancel").addEventListener("click", () => busy || close());
    at("add").addEventListener("click", () => open(null));
    // Another name is another setting: what was stored under the last one no longer counts.
    fields.name.addEventListener("input", () => {
      editing.etag = null;
      at("conflict").hidden = true;
    });
  }
  for (const again of [retry, more]) again.addEventListener("click", () => alone(load));

  alone(load);
}
