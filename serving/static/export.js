/** Predictions as CSV, in the columns that `eval.py --predict` writes and what the page knows more. */

const ROWS_A_PART = 5000;

/**
 * @param {import("./results.js").Results} results
 * @param {ArrayLike<number>} beats which ones, in which order.
 * @returns {Blob}
 */
export function predictionsAsCsv(results, beats) {
  const columns = columnsOf(results);
  const parts = [`${columns.map(([name]) => quoted(name)).join(",")}\n`];
  for (let first = 0; first < beats.length; first += ROWS_A_PART) {
    let text = "";
    const end = Math.min(first + ROWS_A_PART, beats.length);
    for (let i = first; i < end; i += 1) {
      text += `${columns.map(([, value]) => value(beats[i])).join(",")}\n`;
    }
    parts.push(text);
  }
  return new Blob(parts, { type: "text/csv" });
}

/** [name, value of a beat] for each column that there is. */
function columnsOf(results) {
  const columns = [["row", (beat) => beat + 1]];
  const add = (name, column, write) => {
    if (column) columns.push([name, (beat) => write(column[beat])]);
  };
  add("time_s", results.timeS, decimals(3));
  columns.push(["predicted", (beat) => quoted(results.className(beat))]);
  add("probability", results.probability, decimals(6));
  if (results.probabilities) {
    const classes = results.classNames.length;
    results.classNames.forEach((name, label) => {
      columns.push([
        `p_${name}`,
        (beat) => decimals(6)(results.probabilities[beat * classes + label]),
      ]);
    });
  }
  add("uncertain", results.uncertain, yesNo);
  add("ood_score", results.oodScore, decimals(6));
  add("out_of_distribution", results.outOfDistribution, yesNo);
  add("anomaly_score", results.anomalyScore, decimals(6));
  add("true", results.labels, (label) => quoted(results.labelName(label)));
  return columns;
}

function decimals(count) {
  return (value) => (Number.isFinite(value) ? value.toFixed(count) : "");
}

function yesNo(mark) {
  return mark ? "true" : "false";
}

/** A text cell; spreadsheets would run one that begins like a formula, so an apostrophe leads it. */
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
