// What an app's page loads to talk to the site around it, as far as our pages use it: a token for the user's calls, and the page's height.
// One thing more than Atlassian's: the small Jira is told whenever the page has been answered, because it shows what that has left behind.
//
// It speaks to the window around it at this script's own origin and to nobody else, and it listens to nobody else: a page that is shown by
// another site gets no token here either.
"use strict";

(() => {
  const site = new URL(document.currentScript.src).origin;
  const asked = new Map();
  let last = 0;

  function tell(message) {
    if (window.parent !== window) window.parent.postMessage({ lethe: 1, ...message }, site);
  }

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== site || event.data?.lethe !== 1) return;
    const answer = asked.get(event.data.id);
    asked.delete(event.data.id);
    answer?.(event.data.token);
  });

  function getToken(callback) {
    const given = new Promise((resolve) => {
      last += 1;
      asked.set(last, resolve);
      tell({ ask: "token", id: last });
    });
    if (typeof callback !== "function") return given;
    given.then(callback);
    return undefined;
  }

  // The width is the site's; a height comes as a number or as pixels.
  function resize(_width, height) {
    const pixels = height === undefined ? document.documentElement.scrollHeight : Number.parseFloat(height);
    if (Number.isFinite(pixels)) tell({ ask: "resize", height: pixels });
  }

  new PerformanceObserver(() => tell({ ask: "look" })).observe({ type: "resource" });

  window.AP = Object.freeze({ context: Object.freeze({ getToken }), resize });
})();
