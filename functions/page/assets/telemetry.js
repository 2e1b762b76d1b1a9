// What the page reports: that it was seen, and what nobody caught. No query and nothing of whoever looks at it is sent; the app scrubs the rest.
// It comes first, so that it hears whatever fails in the others, and never fails itself.
{
  const MOST_ERRORS = 5;
  const MOST_FRAMES = 50;
  const said = (name) => document.querySelector(`meta[name="${name}"]`)?.content;
  const [pass, dsn] = [said("lethe-page-token"), said("lethe-browser-errors")];

  const send = (endpoint, body) => {
    const options = { method: "POST", body, keepalive: true, credentials: "omit", cache: "no-store" };
    fetch(`${endpoint}/${pass}`, options).catch(() => {});
  };

  /** An address without query and fragment. */
  const plain = (address) => address.split(/[?#]/)[0];

  const see = () => {
    if (document.visibilityState !== "visible") return document.addEventListener("visibilitychange", see, { once: true });
    const referrer = plain(document.referrer) || undefined;
    return send("page-views", JSON.stringify({ page: plain(location.href), referrer }));
  };

  /** A line of a stack: `at call (file:1:2)`, `at file:1:2`, `call@file:1:2`. */
  const frame = (line) => {
    const [, call, file, lineno, colno] = /^\s*(?:at )?(?:(.*?)(?: \(|@))?([\w-]+:\/\/[^\s)]+?):(\d+):(\d+)\)?$/.exec(line) ?? [];
    return file && { filename: plain(file), function: call || undefined, lineno: Number(lineno), colno: Number(colno) };
  };

  let errors = 0;
  const tell = (thrown) => {
    try {
      errors += 1;
      if (errors > MOST_ERRORS) return;
      const { name, message, stack } = thrown instanceof Error ? thrown : { name: "Error", message: String(thrown) };
      // The innermost call comes last.
      const frames = String(stack ?? "").replace(message, "").split("\n").map(frame).filter(Boolean).slice(0, MOST_FRAMES).reverse();
      const event_id = crypto.randomUUID().replaceAll("-", "");
      const value = { type: String(name), value: String(message).slice(0, 2000), stacktrace: { frames } };
      const event = JSON.stringify({ event_id, platform: "javascript", timestamp: Date.now() / 1000, exception: { values: [value] } });
      send("browser-errors", `${JSON.stringify({ event_id, dsn })}\n{"type":"event"}\n${event}\n`);
    } catch {
      // Not worth a second error.
    }
  };

  if (pass && dsn) {
    addEventListener("error", ({ error, message }) => tell(error ?? message));
    addEventListener("unhandledrejection", ({ reason }) => tell(reason));
  }
  if (pass && said("lethe-page-views") === "true") see();
}
