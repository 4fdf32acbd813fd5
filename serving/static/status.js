/** What the page says of the work that goes on, and of what went wrong. */

import { byId, h } from "./dom.js";

// Screen readers are told so often, since they read each change aloud.
const SAY_EVERY_MS = 3000;
let said = -Infinity;

/** Say how far the work is; `share` is of 1, or null where that is not known. */
export function showProgress(text, share) {
  byId("progress").hidden = false;
  byId("progress-text").textContent = text;
  if (performance.now() - said > SAY_EVERY_MS) {
    byId("progress-said").textContent = text;
    said = performance.now();
  }
  const bar = byId("progress-bar");
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
}

export function hideProgress() {
  byId("progress").hidden = true;
  byId("progress-said").textContent = "";
}

/** Show a sentence, with a button that tries again where there is something to try. */
export function showError(text, tryAgain = null) {
  const again = tryAgain && h("button", { type: "button", onclick: tryAgain }, "Try again");
  byId("error").replaceChildren(
    h("p", {}, text),
    h(
      "div.error-buttons",
      {},
      again,
      h("button", { type: "button", onclick: hideError }, "Close"),
    ),
  );
  byId("error").hidden = false;
  byId("error").scrollIntoView({ block: "nearest" });
}

export function hideError() {
  byId("error").hidden = true;
}
