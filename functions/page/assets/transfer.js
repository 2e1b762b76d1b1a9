// How files get there and back. What is small goes in one request; what is larger goes by its parts straight into S3, under addresses that
// are good for 15 minutes, and is fetched by ranges. Whatever breaks off is tried again, and goes on where it stopped.

const MIB = 1024 * 1024;
/** What one request may bring, how large a part is, and what is fetched at a time: a function takes 6 MB. */
const [LARGEST_BODY, PART_BYTES, RANGE_BYTES] = [4 * MIB, 8 * MIB, 5 * MIB];
const [PARTS_AT_ONCE, RANGES_AT_ONCE, TRIES] = [3, 6, 3];
/** Nothing has moved for so long: the connection is gone. */
const LONGEST_STALL = 60_000;
const LONGEST_SEALING = 10 * 60_000;

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const cancel = () => {
      clearTimeout(waiting);
      reject(signal.reason);
    };
    const waiting = setTimeout(() => {
      signal.removeEventListener("abort", cancel);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", cancel);
  });
}

/** Does what may be done twice, and does it again after a while if nobody answered or the other side was away. */
async function persist(work, signal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (fault) {
      const passes = fault instanceof Failure && (fault.status === 0 || fault.status >= 500);
      if (!passes || attempt === TRIES) throw fault;
    }
    await pause(500 * 2 ** attempt * (1 + Math.random()), signal);
  }
}

/** Does all of it, so many at once. After a fault nothing more begins; it is thrown when nothing is under way any more. */
async function several(all, atOnce, work) {
  const left = [...all];
  const faults = [];
  const worker = async () => {
    while (left.length > 0 && faults.length === 0) await work(left.shift()).catch((fault) => faults.push(fault));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (faults.length > 0) throw faults[0];
}

/** Sends bytes and tells how many have gone; fetch does not tell that. */
function send(method, address, headers, bytes, gone, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const cancel = () => request.abort();
    let waiting;
    const moves = () => {
      clearTimeout(waiting);
      waiting = setTimeout(cancel, LONGEST_STALL);
    };
    request.upload.addEventListener("progress", ({ loaded }) => {
      moves();
      gone(loaded);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(waiting);
      signal.removeEventListener("abort", cancel);
      const { status, responseText } = request;
      if (status >= 200 && status < 300) resolve(responseText);
      else if (signal.aborted) reject(signal.reason);
      else reject(status === 0 ? unanswered() : failure(status, responseText));
    });
    signal.addEventListener("abort", cancel);
    request.open(method, address);
    for (const [name, value] of headers) request.setRequestHeader(name, value);
    moves();
    request.send(bytes);
  });
}

// --- There ---

/** The upload of a file that was begun and not ended. After a reload the tab still knows it, where the browser lets a framed page remember. */
const begun = {
  here: new Map(),
  name: (file) => `upload ${file.size} ${file.lastModified} ${file.name}`,
  find(file) {
    try {
      return this.here.get(this.name(file)) ?? sessionStorage.getItem(this.name(file));
    } catch {
      return this.here.get(this.name(file)) ?? null;
    }
  },
  keep(file, id) {
    this.here.set(this.name(file), id);
    try {
      sessionStorage.setItem(this.name(file), id);
    } catch {
      // Then a reload begins anew.
    }
  },
  forget(file) {
    this.here.delete(this.name(file));
    try {
      sessionStorage.removeItem(this.name(file));
    } catch {
      // It was not kept there.
    }
  },
};

const upload = (id, action = "") => `attachments/uploads/${id}${action}`;
const look = async (id, signal) => JSON.parse((await persist(() => call("GET", upload(id), { signal }), signal)).text);

/** What `work` answers; null where there is nothing. */
const ifThere = (work) => work.catch((fault) => (fault.status === 404 ? null : Promise.reject(fault)));

/** The bytes of a piece of a file. */
async function bytes(piece) {
  try {
    return await piece.arrayBuffer();
  } catch {
    throw new Failure(400, "This file cannot be read: it is a folder, or it was moved or changed. Choose it again.");
  }
}

/** SHA-256 of each part, in base64. */
async function digests(file, show, signal) {
  const parts = [];
  for (let begin = 0; begin < file.size; begin += PART_BYTES) {
    signal.throwIfAborted();
    show("checking", begin);
    const digest = await crypto.subtle.digest("SHA-256", await bytes(file.slice(begin, begin + PART_BYTES)));
    parts.push(btoa(String.fromCharCode(...new Uint8Array(digest))));
  }
  return parts;
}

/** A small file: there with one request, which may not be made twice. Answers what is kept of it. */
async function sendWhole(file, show, signal) {
  const whole = await bytes(file);
  const address = `attachments?${new URLSearchParams({ name: file.name, type: file.type })}`;
  // Bytes, whatever they mean: what came as text would be handed on as text.
  const headers = [["authorization", `JWT ${await token()}`], ["content-type", "application/octet-stream"]];
  return JSON.parse(await send("POST", address, headers, whole, (gone) => show("sending", gone), signal));
}

/** A larger one: all its parts are there afterwards. Answers the upload's id. Parts that came before a reload need not be read again. */
async function sendParts(file, show, signal) {
  const id = begun.find(file);
  let found = id && (await ifThere(look(id, signal)));
  if (id && !found && (await ifThere(call("HEAD", `attachments/${id}`, { signal })))) return id;
  if (!found || found.stage === "refused") {
    const said = { name: file.name, type: file.type || undefined, size: file.size, parts: await digests(file, show, signal) };
    found = JSON.parse((await call("POST", "attachments/uploads", { body: JSON.stringify(said), signal })).text);
    begun.keep(file, found.id);
  }
  for (let fruitless = 0; found.stage === "open"; ) {
    const fault = await putAndComplete(file, found, show, signal).catch((cause) => cause);
    if (!fault) break;
    signal.throwIfAborted();
    if (fault.status === 400) begun.forget(file);
    // Addresses that are too old, parts that are missing after all, an answer that was lost: whoever has the parts knows how far it is.
    if (![0, 403, 409].includes(fault.status) && !(fault.status >= 500)) throw fault;
    const before = found.missing.length;
    found = await look(found.id, signal);
    fruitless = found.stage === "open" && found.missing.length >= before ? fruitless + 1 : 0;
    if (fruitless === TRIES) throw fault;
  }
  return found.id;
}

async function putAndComplete(file, { id, missing }, show, signal) {
  const length = (part) => Math.min(PART_BYTES, file.size - (part.number - 1) * PART_BYTES);
  const going = new Map();
  let there = file.size - missing.reduce((sum, part) => sum + length(part), 0);
  const tell = () => show("sending", [...going.values()].reduce((sum, gone) => sum + gone, there));
  tell();
  await several(missing, PARTS_AT_ONCE, async (part) => {
    const begin = (part.number - 1) * PART_BYTES;
    const piece = await bytes(file.slice(begin, begin + PART_BYTES));
    const gone = (loaded) => {
      going.set(part.number, loaded);
      tell();
    };
    await persist(() => send("PUT", part.url, part.headers, piece, gone, signal), signal).catch((fault) => {
      going.delete(part.number);
      if (fault instanceof Failure) throw notTaken(fault, part.number);
      throw fault;
    });
    going.delete(part.number);
    there += length(part);
    tell();
  });
  await persist(() => call("POST", upload(id, "/complete"), { signal }), signal);
}

function notTaken({ status, message }, number) {
  if (status === 0) return new Failure(status, message);
  if (status === 400) return new Failure(status, "The file is not what it was when its upload began. Attach it again.");
  return new Failure(status, `Part ${number} of it was not taken (${status}). Try again in a moment.`);
}

/** Waits until what has arrived is sealed, and answers what is kept of it. The upload is there until then, the attachment before it goes. */
async function sealed(id, { name, size, type }, signal) {
  const began = Date.now();
  for (let wait = 1_000; Date.now() - began < LONGEST_SEALING; wait = Math.min(wait * 1.25, 15_000)) {
    // First where it will be: a browser writes down every question for what is not there.
    const { text } = await persist(() => call("GET", "attachments?limit=100", { signal }), signal);
    const kept = JSON.parse(text).attachments.find((attachment) => attachment.id === id);
    if (kept) return kept;
    const found = await ifThere(look(id, signal));
    if (found?.stage === "refused") throw new Failure(400, "What arrived is not what was sent, and nothing of it was kept. Attach it again.");
    if (!found) {
      // Beyond the list's first page. What its first bytes look like is told with the list.
      const { date } = (await ifThere(persist(() => call("HEAD", `attachments/${id}`, { signal }), signal))) ?? {};
      if (date) return { id, name, size, type, yours: true, attachedAt: new Date(date).toISOString() };
      throw new Failure(404, "Its upload is not there any more: it was cancelled, or is too old. Attach it again.");
    }
    await pause(wait, signal);
  }
  throw new Failure(0, "It has arrived and is still not sealed. It comes into the list when it is.");
}

// --- And back ---

/** The whole file, fetched by ranges. */
async function fetchWhole({ id, size }, show, signal) {
  const pieces = [];
  let there = 0;
  const begins = Array.from({ length: Math.ceil(size / RANGE_BYTES) }, (_, index) => index * RANGE_BYTES);
  show("fetching", 0);
  await several(begins, RANGES_AT_ONCE, async (begin) => {
    const end = Math.min(begin + RANGE_BYTES, size);
    const headers = { range: `bytes=${begin}-${end - 1}` };
    const piece = await persist(async () => {
      const { blob } = await call("GET", `attachments/${id}`, { headers, signal, wait: LONGEST_STALL, as: "blob" });
      if (blob.size !== end - begin) throw unanswered();
      return blob;
    }, signal);
    pieces[begin / RANGE_BYTES] = piece;
    there += piece.size;
    show("fetching", there);
  });
  // Of no type that a browser would show: it would be shown as one of ours.
  const whole = new Blob(pieces, { type: "application/octet-stream" });
  if (whole.size !== size) throw new Failure(0, "Not all of it came. Try again.");
  return whole;
}
