// The attachments: files that users attach to the app as a whole, with what goes there and back, the list, and deleting.
//
// Files are sent one after the other, each in a row of its own that goes when its file is in the list. A row whose upload failed stays, and
// goes on where it stopped.

{
  const [message, state, retry, more, list] = ["attachments-message", "attachments-state", "attachments-retry", "attachments-more", "attachments-list"].map(at);
  const [input, drop, uploads] = ["file", "drop", "uploads"].map(at);
  const say = speaker(message);

  /** Bytes as people read them. */
  function size(count) {
    const power = Math.min(3, Math.max(0, Math.floor(Math.log2(count) / 10)));
    if (power <= 0) return `${count} ${count === 1 ? "byte" : "bytes"}`;
    return `${(count / 1024 ** power).toFixed(1).replace(/\.0$/, "")} ${["KiB", "MiB", "GiB"][power - 1]}`;
  }

  const DOINGS = { waiting: "Waiting for its turn", checking: "Checking", sending: "Sending", sealing: "It has arrived and is being sealed", fetching: "Fetching" };

  /** A bar with words beside it, for something that is on its way. Readers of screens read it when they come to it. */
  function meter(name, whole) {
    const bar = element("progress", "", { "aria-label": name });
    const words = element("p", "", { class: "subtle" });
    const show = (doing, done) => {
      const counted = done !== undefined && whole > 0;
      words.textContent = counted ? `${DOINGS[doing]}: ${size(Math.min(done, whole))} of ${size(whole)}` : `${DOINGS[doing]}.`;
      if (counted) bar.value = Math.min(done / whole, 1);
      else bar.removeAttribute("value");
    };
    return { bar, words, show };
  }

  // --- The list ---

  const shown = new Map();
  let cursor;
  let loading = false;

  const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short" });

  function facts(attachment) {
    const line = element("p", `${size(attachment.size)}, attached ${attachment.yours ? "by you " : ""}on `, { class: "subtle" });
    line.append(element("time", MOMENT.format(new Date(attachment.attachedAt)), { datetime: attachment.attachedAt }));
    const claimed = attachment.type.split(";")[0].trim().toLowerCase();
    const differs = attachment.detectedType && attachment.detectedType !== claimed;
    line.append(differs ? `. It says to be ${claimed} and looks like ${attachment.detectedType}.` : ".");
    return line;
  }

  function show(attachment, first = false) {
    const { id, name } = attachment;
    const item = element("li", "", { "data-attachment": id });
    const row = element("div");
    item.append(element("h3", name, { dir: "auto", tabindex: "-1" }), facts(attachment), row);
    rest(attachment, row);
    const known = shown.get(id);
    if (known) known.replaceWith(item);
    else if (first) list.prepend(item);
    else list.append(item);
    shown.set(id, item);
    settle();
    return item;
  }

  /** What may be done with an attachment, while nothing is. */
  function rest(attachment, row) {
    const { name } = attachment;
    const actions = element("p", "", { class: "actions" });
    const save = button("Download", { "data-download": "", "aria-label": `Download ${name}` }, () => fetchAndSave(attachment, row));
    actions.append(save);
    // What belongs to a project may be removed by others too: whether by this user, the app knows.
    if (attachment.yours || mayAdminister || attachment.project !== undefined) {
      const remove = button("Delete", { "data-remove": "", "aria-label": `Delete ${name}` }, () => {
        const keep = button("Keep", { "data-keep-attachment": "", "aria-label": `Keep ${name}` }, () => {
          actions.replaceChildren(save, remove);
          remove.focus();
        });
        const confirm = button("Delete", { class: "danger", "data-confirm-remove": "", "aria-label": `Delete ${name} for good` }, () => erase(attachment, confirm));
        actions.replaceChildren(element("span", "Delete it for everybody?"), confirm, keep);
        keep.focus();
      });
      actions.append(remove);
    }
    row.replaceChildren(actions);
    return save;
  }

  function settle() {
    state.textContent = shown.size === 0 && cursor === undefined ? "Nothing is attached yet." : "";
    more.hidden = cursor === undefined;
    retry.hidden = true;
  }

  async function load() {
    if (loading) return;
    loading = true;
    const opener = document.activeElement;
    state.textContent = "Loading the attachments…";
    retry.hidden = true;
    more.hidden = true;
    try {
      const { text } = await call("GET", cursor === undefined ? "attachments" : `attachments?cursor=${encodeURIComponent(cursor)}`);
      const found = JSON.parse(text);
      cursor = found.cursor;
      const items = found.attachments.map((attachment) => show(attachment));
      settle();
      // The button that was pressed is gone: the keyboard goes on at what it brought.
      if (opener === more || opener === retry) (items[0]?.querySelector("h3") ?? at("attached")).focus();
    } catch (fault) {
      // A place in the list is good for an hour; after that it is read from its beginning.
      if (fault.status === 400) cursor = undefined;
      state.textContent = shown.size === 0 ? "The attachments cannot be shown." : "The rest of the attachments cannot be shown.";
      retry.hidden = false;
      say("failed", explain(fault));
    } finally {
      loading = false;
    }
  }

  async function erase({ id, name }, confirm) {
    if (confirm.ariaBusy) return;
    confirm.ariaBusy = "true";
    try {
      await call("DELETE", `attachments/${id}`);
      const item = shown.get(id);
      const next = (item.nextElementSibling ?? item.previousElementSibling)?.querySelector("[data-download]");
      item.remove();
      shown.delete(id);
      settle();
      (next ?? at("attached")).focus();
      say("done", `${name} is deleted.`);
    } catch (fault) {
      confirm.ariaBusy = null;
      say("failed", `${name} is not deleted. ${explain(fault)}`);
    }
  }

  async function fetchAndSave(attachment, row) {
    const { name } = attachment;
    const canceller = new AbortController();
    const { bar, words, show: tell } = meter(`Download of ${name}`, attachment.size);
    const cancel = button("Cancel", { "data-cancel": "", "aria-label": `Cancel the download of ${name}` }, () => canceller.abort());
    const actions = element("p", "", { class: "actions" });
    actions.append(cancel);
    row.replaceChildren(bar, words, actions);
    cancel.focus();
    say("done", `${name} is being fetched.`);
    try {
      save(name, await fetchWhole(attachment, tell, canceller.signal));
      say("done", `${name} is fetched and saved as a download of your browser.`);
    } catch (fault) {
      if (canceller.signal.aborted) say("done", `The download of ${name} is cancelled.`);
      else say("failed", `${name} is not fetched. ${explain(fault)}`);
    }
    const held = row.contains(document.activeElement);
    const again = rest(attachment, row);
    if (held) again.focus();
  }

  function save(name, whole) {
    const address = URL.createObjectURL(whole);
    element("a", "", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), LONGEST_STALL);
  }

  // --- Uploads ---

  /** The files that are on their way, by what tells them apart. */
  const underWay = new Set();
  let counted = 0;
  let line = Promise.resolve();

  /** The row of a file on its way. */
  function begin(file) {
    counted += 1;
    const item = element("li", "", { "data-upload": counted });
    const { bar, words, show } = meter(`Upload of ${file.name}`, file.size);
    const actions = element("p", "", { class: "actions" });
    item.append(element("h3", file.name, { dir: "auto" }), bar, words, actions);
    uploads.append(item);
    underWay.add(begun.name(file));
    attempt({ file, item, bar, words, actions, show });
  }

  async function attempt(row) {
    const { file, item, bar, actions } = row;
    const canceller = new AbortController();
    const tell = (stage, done) => {
      item.dataset.stage = stage;
      row.show(stage, done);
    };
    const cancel = button("Cancel", { "data-cancel": "", "aria-label": `Cancel the upload of ${file.name}` }, () => giveUp(row, canceller));
    bar.hidden = false;
    tell("waiting");
    const held = actions.contains(document.activeElement);
    actions.replaceChildren(cancel);
    if (held) cancel.focus();
    try {
      const attachment = await bring(file, tell, canceller.signal);
      begun.forget(file);
      const holds = leave(row);
      const added = show(attachment, true);
      if (holds) added.querySelector("[data-download]").focus();
      say("done", `${file.name} is attached.`);
    } catch (fault) {
      if (!canceller.signal.aborted) failed(row, fault, cancel);
    }
  }

  /** Brings a file there when its turn comes, and answers what is kept of it. The next one does not wait for it to be sealed. */
  async function bring(file, tell, signal) {
    const turn = line;
    let pass;
    line = new Promise((resolve) => (pass = resolve));
    try {
      await turn;
      signal.throwIfAborted();
      const largest = Number(input.dataset.largest);
      if (file.size > largest) throw new Failure(413, `It has ${size(file.size)}, and a file may have ${size(largest)} at most.`);
      if (file.size <= LARGEST_BODY) return await sendWhole(file, tell, signal);
      const id = await sendParts(file, tell, signal);
      pass();
      tell("sealing");
      return await sealed(id, file, signal);
    } finally {
      pass();
    }
  }

  /** Takes a row away; answers whether it had the focus. */
  function leave({ file, item }) {
    const held = item.contains(document.activeElement);
    item.remove();
    underWay.delete(begun.name(file));
    return held;
  }

  function failed(row, fault, cancel) {
    const { file, item, bar, words, actions } = row;
    item.dataset.stage = "failed";
    bar.hidden = true;
    words.textContent = `Not attached. ${explain(fault)}`;
    if (![400, 413].includes(fault.status)) {
      actions.prepend(button("Try again", { "data-again": "", "aria-label": `Try again to attach ${file.name}` }, () => attempt(row)));
    }
    cancel.textContent = "Dismiss";
    cancel.setAttribute("aria-label", `Dismiss ${file.name}`);
    say("failed", `${file.name} is not attached. ${explain(fault)}`);
  }

  async function giveUp(row, canceller) {
    const { file, item } = row;
    canceller.abort();
    leave(row);
    input.focus();
    const id = begun.find(file);
    begun.forget(file);
    say("done", `The upload of ${file.name} is cancelled.`);
    try {
      if (id) await call("DELETE", upload(id));
      // It may just have become an attachment.
      if (id && item.dataset.stage === "sealing") await call("DELETE", `attachments/${id}`);
    } catch (fault) {
      say("failed", `The upload of ${file.name} has stopped, and what had arrived could not be removed; it goes by itself in a few days. ${explain(fault)}`);
    }
  }

  function attach(files) {
    const fresh = [...files].filter((file) => !underWay.has(begun.name(file)));
    for (const file of fresh) begin(file);
    if (fresh.length === 1) say("done", `${fresh[0].name} is being attached.`);
    else say("done", fresh.length > 0 ? `${fresh.length} files are being attached.` : "That is on its way already.");
  }

  input.addEventListener("change", () => {
    const files = [...input.files];
    // The same file may be chosen again.
    input.value = "";
    if (files.length > 0) attach(files);
  });

  // A file that falls beside the field would be opened in the page's place.
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      const within = drop.contains(event.target);
      drop.toggleAttribute("data-over", within && name === "dragover");
      event.dataTransfer.dropEffect = within ? "copy" : "none";
      if (within && name === "drop") attach(event.dataTransfer.files);
    });
  }
  drop.addEventListener("dragleave", () => drop.removeAttribute("data-over"));

  for (const again of [retry, more]) again.addEventListener("click", load);
  load();
}
