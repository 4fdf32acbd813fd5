/** The page: what happens between choosing files and reading results. */

import { BeatDialog } from "./beat_dialog.js";
import { byId, h } from "./dom.js";
import { downloadButtons, downloadReport } from "./downloads.js";
import { onThemeChange } from "./drawing.js";
import { Filters } from "./filters.js";
import { meanings } from "./meanings.js";
import { describe, loadModels } from "./models.js";
import { showRecording } from "./recording.js";
import { Results } from "./results.js";
import { chosen, EVERYTHING } from "./selection.js";
import { hideError, hideProgress, showError, showProgress } from "./status.js";
import { analyse, AnalysisError } from "./stream.js";
import { inWords, summaryParts } from "./summary.js";
import { BeatTable } from "./table.js";
import { chosenOptions, example, listenForFiles } from "./upload.js";
import { bytes, plural, sentence } from "./wording.js";

const EXAMPLE_SAMPLES = 187;
const EXAMPLE_NOTE =
  "This example is synthetic: it shows what the page does, and says nothing about hearts";

const state = {
  models: new Map(),
  standard: "",
  running: null,
  files: [],
  query: new URLSearchParams(),
  results: null,
  table: null,
  filters: null,
  strip: null,
};
const dialog = new BeatDialog(showInStrip);

/**
 * Send files and show what comes back; results that are shown stay until others are complete.
 * @param {File[]} files
 * @param {string[]} notes what to read before the results.
 */
async function run(files, notes = []) {
  state.running?.cancel();
  hideError();
  let results = null;
  const take = {
    start: (line) => {
      results = new Results(line);
    },
    beats: (line) => {
      results.append(line);
      showPredicted(results, line);
    },
    progress: (line) =>
      showProgress(
        `${sentence(line.text).slice(0, -1)}, ${plural(Math.round(line.seconds), "second")}`,
        null,
      ),
    recording: (line) => results.takeRecording(line),
    end: (line) => results.finish(line),
  };
  const query = chosenOptions(mayBeCsv(files));
  const job = analyse(`/page/analyse?${query}`, files, showSent, (line) =>
    take[line.type]?.(line),
  );
  state.running = job;
  showSent(
    0,
    files.reduce((sum, file) => sum + file.size, 0),
  );
  try {
    await job.done;
    Object.assign(state, { files, query });
    show(results, notes);
  } catch (error) {
    if (error instanceof AnalysisError) {
      // It may be a recording whose rate was not given.
      if (files.every((file) => /\.csv$/i.test(file.name))) byId("more").open = true;
      showError(error.message, () => run(files, notes));
    } else if (error.name !== "AbortError") throw error;
  } finally {
    if (state.running === job) {
      state.running = null;
      hideProgress();
    }
  }
}

/** The model that beats get. */
function chosenModel() {
  return state.models.get(byId("model").value || state.standard);
}

/** @param {string} id of a model; empty leaves it to the service. */
function choose(id) {
  byId("model").value = id;
  describe(chosenModel(), !id);
}

/** A link to the page may name a model. */
function chooseByAddress() {
  const wanted = new URLSearchParams(location.search).get("model") ?? "";
  const isThere = !wanted || state.models.has(wanted);
  choose(isThere ? wanted : "");
  if (!isThere) showError(`There is no model ${wanted} here. Choose one of the list.`);
}

function mayBeCsv(files) {
  return files.every((file) => !/\.(hea|dat|edf|bdf)$/i.test(file.name));
}

function showSent(sent, total) {
  if (sent < total) showProgress(`Sending ${bytes(sent)} of ${bytes(total)}`, sent / total);
  else showProgress(`Sent ${bytes(total)}, the service is at work`, null);
}

function showPredicted(results, line) {
  const share =
    results.bytes && line.bytes_read ? Math.min(1, line.bytes_read / results.bytes) : null;
  showProgress(`${plural(results.count, "beat")} predicted`, share);
}

function show(results, firstNotes) {
  Object.assign(state, { results, strip: null });
  byId("results").hidden = false;
  byId("results-title").textContent = results.record ? `Recording ${results.name}` : results.name;
  byId("results-sentence").textContent = inWords(results);
  byId("results-meanings").replaceChildren(...meanings(results, state.models.get(results.model)));
  const notes = [...new Set([...firstNotes, ...results.notes, ...(results.record?.notes ?? [])])];
  byId("results-notes").replaceChildren(...notes.map((note) => h("li", {}, sentence(note))));
  byId("recording").replaceChildren();
  state.table = new BeatTable(byId("table"), results, (place) =>
    dialog.open(results, state.table.beats, place, (last) => state.table.focus(last)),
  );
  state.filters = new Filters(byId("filters"), results, () =>
    state.table.show(chosen(results, state.filters.filter)),
  );
  byId("filters").append(downloadButtons(results, () => state.table.beats));
  state.table.show(chosen(results, EVERYTHING));
  byId("summary").replaceChildren(
    ...summaryParts(
      results,
      (label) => filterTo({ classes: new Set([label]) }),
      (truth, predicted) => filterTo({ classes: new Set([predicted]), trueLabel: truth }),
    ),
  );
  if (results.record)
    state.strip = showRecording(byId("recording"), results, {
      open: openBeat,
      report: fetchReport,
      lead: changeLead,
    });
  byId("results-title").focus({ preventScroll: true });
  byId("results").scrollIntoView({ block: "start" });
}

function filterTo(parts) {
  state.filters.set({ ...EVERYTHING, ...parts });
  byId("beats-title").scrollIntoView({ block: "start" });
}

/** Open a beat of the recording, whatever the table shows just now. */
function openBeat(beat) {
  let place = state.table.beats.indexOf(beat);
  if (place < 0) {
    state.filters.set({ ...EVERYTHING });
    place = state.table.beats.indexOf(beat);
  }
  dialog.open(state.results, state.table.beats, place);
}

function showInStrip(beat) {
  state.strip.centre(state.results.timeS[beat]);
  state.strip.element.scrollIntoView({ block: "center" });
  state.strip.canvas.focus({ preventScroll: true });
}

function changeLead(lead) {
  byId("lead").value = lead;
  run(state.files);
}

async function fetchReport(button) {
  const { textContent: name } = button;
  hideError();
  button.disabled = true;
  button.textContent = "Making the report…";
  const wrong = await downloadReport(state.results, state.files, state.query);
  if (wrong) showError(wrong);
  button.disabled = false;
  button.textContent = name;
}

async function tryExample(address) {
  if (chosenModel()?.samples !== EXAMPLE_SAMPLES) choose("");
  let file = null;
  try {
    file = await example(address);
  } catch {
    showError("The example could not be fetched. Is the service still running?", () =>
      tryExample(address),
    );
    return;
  }
  await run([file], [EXAMPLE_NOTE]);
}

async function begin() {
  listenForFiles(run);
  byId("options").addEventListener("submit", (event) => event.preventDefault());
  byId("try-beats").addEventListener("click", () => tryExample("/examples/beats.csv"));
  byId("try-recording").addEventListener("click", () => tryExample("/examples/recording.zip"));
  byId("cancel").addEventListener("click", () => state.running?.cancel());
  byId("model").addEventListener("change", () => choose(byId("model").value));
  onThemeChange(() => {
    state.table?.draw();
    state.strip?.resize();
  });
  try {
    Object.assign(state, await loadModels());
  } catch {
    showError(
      "The service's models could not be listed. Is it still running? Load the page again.",
    );
    return;
  }
  chooseByAddress();
}

begin();
