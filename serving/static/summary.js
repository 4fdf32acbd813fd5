/** The upload in a sentence, its classes as bars, and the scores where labels came along. */

import { chip, classKind } from "./chip.js";
import { h, table } from "./dom.js";
import { duration, list, number, percent, plural, UNKNOWN } from "./wording.js";

const FLATTERED =
  "They flatter if the model was trained on these beats, or on others of the same people.";

/** How many beats of which class, by which model, in what time. */
export function inWords(results) {
  const counts = classCounts(results);
  const present = results.classNames
    .map((name, label) => [name, counts[label]])
    .filter(([, count]) => count)
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${number(count)} ${name}`);
  const what = `${plural(results.count, "beat")}${present.length ? `: ${list(present)}` : ""}.`;
  const seconds = Math.max(0.1, results.seconds);
  return `${what} By ${results.model} in ${duration(seconds)}.`;
}

/** The chart of classes and, where labels came, confusion matrix and scores. */
export function summaryParts(results, onClass, onCell) {
  const parts = [h("section", {}, h("h3", {}, "Kinds of beats"), chart(results, onClass))];
  if (results.scores) {
    parts.push(
      h(
        "section",
        {},
        h("h3", {}, "Against the labels that came along"),
        h(
          "p.note",
          {},
          `Accuracy ${percent(results.scores.accuracy)}, macro F1 ${results.scores.macro_f1.toFixed(3)}.`,
        ),
        h("p.note", {}, FLATTERED),
        confusion(results, onCell),
        perClass(results),
      ),
    );
  }
  return parts;
}

function classCounts(results) {
  const counts = new Array(results.classNames.length).fill(0);
  for (const label of results.predicted) counts[label] += 1;
  return counts;
}

/** Bars of equal scale; the uncertain part of each is striped, and the smallest still shows. */
function chart(results, onClass) {
  const counts = classCounts(results);
  const unsure = new Array(counts.length).fill(0);
  if (results.uncertain)
    results.predicted.forEach((label, beat) => {
      unsure[label] += results.uncertain[beat];
    });
  const most = Math.max(1, ...counts);
  const rows = results.classNames.map((name, label) => {
    const bar = h(`div.bar.${classKind(label)}`, {});
    bar.style.width = `${(100 * counts[label]) / most}%`;
    if (!counts[label]) bar.classList.add("none");
    const striped = h("div.striped", {});
    striped.style.width = `${counts[label] ? (100 * unsure[label]) / counts[label] : 0}%`;
    bar.append(striped);
    const told = unsure[label] ? `, ${number(unsure[label])} uncertain` : "";
    return h(
      "button.chart-row",
      { type: "button", onclick: () => onClass(label), title: `Show only ${name}` },
      h(
        "span.chart-name",
        {},
        chip(results, label),
        " ",
        h("span.note", {}, results.classMeanings[name] ?? ""),
      ),
      h("span.chart-bar", {}, bar),
      h(
        "span.chart-count",
        {},
        `${number(counts[label])} `,
        h(
          "span.note",
          {},
          ` ${percent(results.count ? counts[label] / results.count : 0)}${told}`,
        ),
      ),
    );
  });
  const note = results.uncertain
    ? [h("p.note", {}, "Striped: uncertain. Choose a kind to see its beats.")]
    : [];
  return h("div.chart", {}, rows, note);
}

/** Rows are true classes, columns predicted ones; shading is the share of the row. */
function confusion(results, onCell) {
  const names = results.scores.classes.map((one) => one.name);
  const matrix = results.scores.confusion;
  const body = matrix.map((row, truth) => {
    const all = row.reduce((sum, count) => sum + count, 0);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, names[truth]),
      row.map((count, predicted) => {
        const label = `${plural(count, "beat")} of class ${names[truth]} taken for ${names[predicted]}`;
        const cell = h(
          "td",
          {},
          count
            ? h(
                "button",
                {
                  type: "button",
                  "aria-label": `${label}; show them`,
                  title: label,
                  onclick: () => onCell(truth, predicted),
                },
                number(count),
              )
            : "0",
        );
        cell.style.setProperty("--share", String(all ? count / all : 0));
        cell.className = truth === predicted ? "hit" : "miss";
        return cell;
      }),
    );
  });
  return h(
    "div.scroll",
    { tabIndex: 0, role: "group", "aria-label": "Confusion matrix" },
    h(
      "table.confusion",
      {},
      h(
        "caption.note",
        {},
        "Confusion matrix: true class in rows, predicted class in columns. Choose a number to see its beats.",
      ),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("td", {}, "true \\ predicted"),
          names.map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h("tbody", {}, body),
    ),
  );
}

/** Shares of nothing, of a class that is neither true nor predicted anywhere, are left blank. */
function perClass(results) {
  const { classes, confusion: matrix } = results.scores;
  const share = (value, of) => (of ? value.toFixed(3) : UNKNOWN);
  const rows = classes.map((one, label) => {
    const predicted = matrix.reduce((sum, row) => sum + row[label], 0);
    return [
      one.name,
      share(one.precision, predicted),
      share(one.recall, one.support),
      share(one.f1, predicted + one.support),
      number(one.support),
    ];
  });
  return table(["class", "precision", "recall", "F1", "beats"], rows, {
    label: "Scores per class",
  });
}
