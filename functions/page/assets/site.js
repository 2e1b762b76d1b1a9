// What all sections of the page are made with: calls to the app, with a fresh token of the site's for each, and elements whose content is
// text, whoever wrote it.
//
// The files of this folder are served as one script, in one scope: what listens for errors, this one, then a block for each section.

const LONGEST_WAIT = 15_000;
const mayAdminister = document.body.dataset.mayAdminister === "true";
const at = (id) => document.getElementById(id);

/** A call that did not do what it was made for, with words for a person. */
class Failure extends Error {
  constructor(status, words, field) {
    super(words);
    Object.assign(this, { status, field });
  }
}

// --- Calls ---

const unanswered = () => new Failure(0, "No answer came. Check the connection, then try again.");

function token() {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Failure(0, "The site around this page gives it no pass. Open the page from the site's menu, or reload it."));
    if (typeof window.AP?.context?.getToken !== "function") return fail();
    const waiting = setTimeout(fail, LONGEST_WAIT);
    window.AP.context.getToken((given) => {
      clearTimeout(waiting);
      if (given) resolve(given);
      else fail();
    });
  });
}

/** What is answered: its tag, and its text or what it is to be read `as`. Whoever gives a `signal` may cancel it. */
async function call(method, path, { headers = {}, body, signal, wait = LONGEST_WAIT, as = "text" } = {}) {
  const authorization = `JWT ${await token()}`;
  const ends = AbortSignal.timeout(wait);
  let answer, content;
  try {
    const options = { cache: "no-store", credentials: "omit", redirect: "error", signal: signal ? AbortSignal.any([signal, ends]) : ends };
    answer = await fetch(path, { method, body, headers: { ...headers, authorization }, ...options });
    content = await answer[answer.ok ? as : "text"]();
  } catch {
    signal?.throwIfAborted();
    throw unanswered();
  }
  if (!answer.ok) throw failure(answer.status, content);
  return { etag: answer.headers.get("etag"), date: answer.headers.get("date"), [as]: content };
}

function failure(status, text) {
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // Whoever answered was not the app: the status has to do.
  }
  const field = { name: "name", body: "value", file: "file", size: "file" }[problem.field];
  const detail = String(problem.detail ?? problem.title ?? "");
  const words = {
    401: "Your pass was not accepted: this page was open for too long, or the app was removed from the site. Copy what you typed, then reload the page.",
    403: `You may not do this: ${detail || "it is not allowed"}.`,
    404: "It is not there any more.",
    409: `It cannot be done now: ${detail || "it is not possible as things are"}.`,
    503: `Something is away for now: ${detail || "try again in a moment"}.`,
  }[status];
  if (words) return new Failure(status, words);
  // A detail may begin with the field's name.
  const said = problem.field && detail.startsWith(`${problem.field} `) ? detail.slice(problem.field.length + 1) : detail;
  if (field) return new Failure(status, `The ${field} ${said}.`, field);
  const what = [problem.field, said].filter(Boolean).join(" ");
  return new Failure(status, `It was refused (${status})${what && `: ${what}`}.`);
}

// --- What is shown and said ---

/** What says things in a live region. */
const speaker = (region) => (kind, words) => {
  region.dataset.kind = kind;
  region.replaceChildren(document.createTextNode(words));
};

const explain = (fault) => (fault instanceof Failure ? fault.message : "Something failed in this page. Reload it.");

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function button(text, attributes, act) {
  const made = element("button", text, { type: "button", ...attributes });
  made.addEventListener("click", act);
  return made;
}

if (typeof window.AP?.resize === "function") {
  new ResizeObserver(() => window.AP.resize("100%", `${Math.ceil(document.body.getBoundingClientRect().height)}px`)).observe(document.body);
}
