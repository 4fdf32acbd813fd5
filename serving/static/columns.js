/** The columns of the table of beats: what a cell shows, and the values that they are sorted by. */

import { chip } from "./chip.js";
import { h } from "./dom.js";
import { drawSmall } from "./drawing.js";
import { clock, isKnown, number, UNKNOWN } from "./wording.js";

// In CSS pixels; narrow screens show it smaller.
const SMALL_WIDTH = 96,
  SMALL_HEIGHT = 30;

/**
 * @param {import("./results.js").Results} results
 * @returns {object[]} `name` and `short` name, `kind` for the style sheet, `cell` of a beat, and
 *   `values` to sort by where that makes sense.
 */
export function columnsOf(results) {
  const columns = [
    {
      key: "row",
      name: results.record ? "Beat" : "Row",
      kind: "number",
      values: Float64Array.from({ length: results.count }, (_, i) => i),
      cell: (beat) =>
        h(
          "button",
          { type: "button", "aria-label": `Open beat ${beat + 1}, ${results.className(beat)}` },
          number(beat + 1),
        ),
    },
  ];
  if (results.timeS) {
    columns.push(
      {
        name: "Time",
        kind: "number",
        values: results.timeS,
        cell: (beat) => clock(results.timeS[beat], 1),
      },
      {
        name: "RR",
        kind: "number wide",
        title: "Seconds since the beat before",
        values: results.rrS,
        cell: (beat) =>
          isKnown(results.rrS[beat]) ? `${results.rrS[beat].toFixed(2)} s` : UNKNOWN,
      },
    );
  }
  columns.push({ name: "Shape", kind: "shape", cell: smallDrawing(results) });
  columns.push({
    name: "Class",
    kind: "class",
    values: results.predicted,
    cell: (beat) => chip(results, results.predicted[beat]),
  });
  if (results.labels) {
    columns.push({
      name: "Label",
      kind: "class",
      title: "The class that the file says",
      values: results.labels,
      cell: (beat) => trueLabel(results, beat),
    });
  }
  if (results.probability) {
    columns.push({
      name: "Probability",
      short: "Prob.",
      kind: "probability",
      values: results.probability,
      cell: (beat) => bar(results.probability[beat]),
    });
  }
  if (results.anomalyScore) {
    columns.push({
      name: "Anomaly score",
      kind: "number",
      descendsFirst: true,
      values: results.anomalyScore,
      cell: (beat) => results.anomalyScore[beat].toFixed(3),
    });
  }
  if (results.oodScore) {
    columns.push({
      name: "OOD score",
      kind: "number wide",
      descendsFirst: true,
      title: "Above 1 a beat is out of distribution: unlike those that the model was trained on",
      values: results.oodScore,
      cell: (beat) => results.oodScore[beat].toFixed(2),
    });
  }
  if (results.uncertain || results.outOfDistribution || results.unusable || results.labels) {
    columns.push({
      name: "Remarks",
      kind: "remarks",
      descendsFirst: true,
      values: remarkCounts(results),
      cell: (beat) => remarks(results, beat),
    });
  }
  return columns;
}

function smallDrawing(results) {
  return (beat) => {
    const canvas = h("canvas", { "aria-hidden": "true" });
    canvas.dataset.beat = String(beat);
    canvas.style.aspectRatio = `${SMALL_WIDTH} / ${SMALL_HEIGHT}`;
    return results.unusable?.[beat] ? h("span.faint", {}, canvas) : canvas;
  };
}

function trueLabel(results, beat) {
  const label = chip(results, results.labels[beat]);
  if (results.isWrong(beat)) label.classList.add("wrong");
  return label;
}

function bar(probability) {
  const filled = h("span.level", {});
  filled.style.width = `${100 * probability}%`;
  return [h("span.meter", {}, filled), h("span.value", {}, probability.toFixed(3))];
}

/** How many remarks each beat has. */
function remarkCounts(results) {
  return Float32Array.from(results.predicted, (_, beat) => remarksOf(results, beat).length);
}

/** What is to be said of a beat, each in words and in short for narrow screens. */
function remarksOf(results, beat) {
  return [
    results.unusable?.[beat] && ["unusable signal", "unusable"],
    results.uncertain?.[beat] && ["uncertain", "uncertain"],
    results.outOfDistribution?.[beat] && ["out of distribution", "OOD"],
    results.unknown?.[beat] && ["unknown kind", "unknown"],
    results.isWrong(beat) && ["unlike the label", "≠ label"],
  ].filter(Boolean);
}

function remarks(results, beat) {
  return remarksOf(results, beat).map(([text, short]) =>
    h("span.mark", {}, h("span.long", {}, text), h("span.short", { title: text }, short)),
  );
}

/** Draw the small beats within an element, e.g. again after the page has turned dark. */
export function drawShapes(home, results) {
  for (const canvas of home.querySelectorAll("canvas")) {
    const beat = Number(canvas.dataset.beat);
    drawSmall(canvas, results.signal(beat), results.predicted[beat], SMALL_WIDTH, SMALL_HEIGHT);
  }
}
