/** What the reader can take along: the predictions as CSV and a recording's report. */

import { h } from "./dom.js";
import { predictionsAsCsv } from "./export.js";
import { refusalOf, withFiles } from "./stream.js";

/**
 * Buttons that save predictions.
 * @param {import("./results.js").Results} results
 * @param {() => ArrayLike<number>} shown the beats that pass the filters, in the table's order.
 */
export function downloadButtons(results, shown) {
  const name = `${results.name.replace(/\.[^.]*$/, "")}-predictions.csv`;
  const all = () => Uint32Array.from({ length: results.count }, (_, i) => i);
  const button = (text, beats) =>
    h(
      "button",
      { type: "button", onclick: () => save(predictionsAsCsv(results, beats()), name) },
      text,
    );
  return h(
    "div.filter-group.downloads",
    {},
    button("Download all as CSV", all),
    button("Download those shown", shown),
  );
}

/**
 * Have the service make the report of a recording, and save it.
 * @returns {Promise<string>} what went wrong, in a sentence; empty if nothing did.
 */
export async function downloadReport(results, files, query) {
  const asked = new URLSearchParams({ ...Object.fromEntries(query), format: "html" });
  let response = null;
  try {
    response = await fetch(`/api/records?${asked}`, { method: "POST", body: withFiles(files) });
    if (response.ok) save(await response.blob(), `${results.name}-report.html`);
  } catch {
    return "The report could not be fetched: the service is not reached.";
  }
  return response.ok ? "" : refusalOf(response);
}

function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // Some browsers read it after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
