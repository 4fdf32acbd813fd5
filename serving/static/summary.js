/** The upload in a sentence, its classes as bars, and the scores where labels came along. */

import { h, table } from "./dom.js";
import { CLASS_COLOURS } from "./drawing.js";
import { duration, isKnown, list, number, percent, plural, UNKNOWN } from "./wording.js";

/** A class's letter with its colour. */
export function chip(results, label) {
  return h(`span.chip.class-${label % CLASS_COLOURS}`, {}, results.labelName(label));
}

/** What there is to say in a sentence or two. */
export function inWords(results) {
  const counts = classCounts(results);
  const present = results.classNames
    .map((name, label) => [name, counts[label]])
    .filter(([, count]) => count)
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${number(count)} ${name}`);
  const what = `${plural(results.count, "beat")}${present.length ? `: ${list(present)}` : ""}.`;
  return [what, uncertainty(results), novelty(results), `Took ${duration(results.seconds)}.`]
    .filter(Boolean)
    .join(" ");
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
        confusion(results, onCell),
        perClass(results),
      ),
    );
  }
  return parts;
}

function uncertainty(results) {
  const count = results.marked(results.uncertain);
  if (count === null) return "";
  const below = isKnown(results.uncertainBelow)
    ? ` (probability below ${results.uncertainBelow.toFixed(2)})`
    : "";
  return count
    ? `${number(count)} ${count === 1 ? "is" : "are"} uncertain${below}.`
    : "None is uncertain.";
}

function novelty(results) {
  const count = results.marked(results.outOfDistribution);
  if (!count) return "";
  const rest = count === 1 ? "so its class says little" : "so their classes say little";
  return `${number(count)} ${count === 1 ? "is" : "are"} out of distribution: unlike what the model was trained on, ${rest}.`;
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
    const bar = h(`div.bar.class-${label % CLASS_COLOURS}`, {});
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
        h("span.note", {}, `${percent(results.count ? counts[label] / results.count : 0)}${told}`),
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
        const label = `${number(count)} beats of class ${names[truth]} taken for ${names[predicted]}`;
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

function perClass(results) {
  const share = (value) => (isKnown(value) ? value.toFixed(3) : UNKNOWN);
  const rows = results.scores.classes.map((one) => [
    one.name,
    share(one.precision),
    share(one.recall),
    share(one.f1),
    number(one.support),
  ]);
  return table(["class", "precision", "recall", "F1", "beats"], rows, {
    label: "Scores per class",
  });
}
