/** Choosing and dropping files, and the reader's options for them. */

import { byId } from "./dom.js";

/** Call `onFiles` with a list of files whenever some are chosen or dropped. */
export function listenForFiles(onFiles) {
  const input = byId("files");
  byId("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = ""; // or the same file could not be chosen twice
    if (files.length) onFiles(files);
  });
  listenForDrops(onFiles);
}

/** A file that the service offers to try things with. */
export async function example(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the service answered with status ${response.status}`);
  return new File([await response.blob()], address.split("/").at(-1));
}

/** What the reader chose, as a query; rate and units are for CSV alone. */
export function chosenOptions(mayBeCsv) {
  const query = new URLSearchParams();
  if (byId("model").value) query.set("model", byId("model").value);
  const lead = byId("lead").value.trim();
  if (lead) query.set("lead", lead);
  if (mayBeCsv && byId("sampling").value) query.set("sampling_hz", byId("sampling").value);
  if (mayBeCsv && byId("units").value) query.set("units", byId("units").value);
  return query;
}

function listenForDrops(onFiles) {
  const zone = byId("drop");
  // Anywhere on the page, or a file that misses the zone would replace the page.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files]);
  });
}
