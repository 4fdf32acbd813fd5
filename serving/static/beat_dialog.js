/** A beat large, in a dialog that steps through the beats of the table. */

import { drawBeat } from "./beat_drawing.js";
import { chip, classKind } from "./chip.js";
import { byId, h } from "./dom.js";
import { lengthOf, onThemeChange } from "./drawing.js";
import { OOD_LIMIT } from "./results.js";
import { clock, isKnown, number, percent } from "./wording.js";

const FIND = "find"; // the dialog's return value when the beat is to be found in the recording

export class BeatDialog {
  /** @param {(beat: number) => void} onFind told a beat to show in the recording. */
  constructor(onFind) {
    this.dialog = byId("beat");
    this.onFind = onFind;
    this.place = 0;
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    this.dialog.addEventListener("close", () => this.leave());
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    addEventListener("resize", () => this.draw());
    onThemeChange(() => this.draw());
    this.build();
  }

  /**
   * Open the beat at a place of `beats`, an array of beat numbers.
   * @param {(place: number) => void} onClose told the place of the beat that was shown last;
   *   without it, the focus goes back to where it was.
   */
  open(results, beats, place, onClose = () => {}) {
    Object.assign(this, { results, beats, onClose });
    this.dialog.returnValue = "";
    this.find.hidden = !results.timeS;
    this.dialog.showModal();
    this.show(place);
  }

  build() {
    const step = (by, name, text) =>
      h(
        "button",
        {
          type: "button",
          "aria-label": name,
          title: name,
          onclick: () => this.show(this.place + by),
        },
        text,
      );
    this.title = h("h2", { id: "beat-title", "aria-live": "polite" });
    this.previous = step(-1, "Previous beat (left arrow)", "‹");
    this.next = step(1, "Next beat (right arrow)", "›");
    this.canvas = h("canvas.beat-drawing", { role: "img" });
    this.legend = h("p.note");
    this.words = h("div.beat-words");
    this.find = h(
      "button",
      { type: "button", onclick: () => this.dialog.close(FIND) },
      "Show in the recording",
    );
    this.dialog.replaceChildren(
      h(
        "div.beat-head",
        {},
        this.title,
        this.previous,
        this.next,
        h(
          "button",
          {
            type: "button",
            "aria-label": "Close (Escape)",
            title: "Close (Escape)",
            onclick: () => this.dialog.close(),
          },
          "×",
        ),
      ),
      h("div.beat-body", {}, h("div", {}, this.canvas, this.legend), this.words),
      this.find,
    );
  }

  show(place) {
    if (place < 0 || place >= this.beats.length) return;
    this.place = place;
    const { results } = this;
    const beat = this.beats[place];
    const time = results.timeS ? ` at ${clock(results.timeS[beat], 1)}` : "";
    this.title.replaceChildren(
      `${results.record ? "Beat" : "Row"} ${number(beat + 1)}${time} `,
      chip(results, results.predicted[beat]),
      h("span.note", {}, ` ${number(place + 1)} of ${number(this.beats.length)} shown`),
    );
    this.previous.disabled = place === 0;
    this.next.disabled = place === this.beats.length - 1;
    this.words.replaceChildren(...this.wordsOf(beat));
    this.draw();
  }

  draw() {
    if (!this.dialog.open) return;
    const { results } = this;
    const beat = this.beats[this.place];
    const typical = results.nearest ? results.typical[results.nearest[beat]] : null;
    drawBeat(
      this.canvas,
      results.signal(beat),
      results.predicted[beat],
      results.samplingHz,
      typical?.signal,
    );
    this.canvas.setAttribute("aria-label", `beat ${beat + 1} as a curve over time`);
    this.legend.textContent = legend(typical, results.signal(beat));
  }

  wordsOf(beat) {
    const { results } = this;
    const probabilities = results.probabilitiesOf(beat);
    return [
      probabilities
        ? probabilityBars(results, probabilities, results.predicted[beat])
        : detector(results, beat),
      h(
        "ul.facts",
        {},
        factsOf(results, beat).map((text) => h("li", {}, text)),
      ),
    ];
  }

  /** Where to go is told when the dialog has closed: closing moves the focus itself. */
  leave() {
    if (this.dialog.returnValue === FIND) this.onFind(this.beats[this.place]);
    else this.onClose(this.place);
  }

  onKey(event) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.show(this.place + step);
  }
}

function legend(typical, signal) {
  const parts = ["Scaled by its own minimum and maximum."];
  if (typical) parts.unshift(`Dashed: the nearest typical beat, of class ${typical.class}.`);
  if (lengthOf(signal) < signal.length) parts.push("The faint line: zeros after its end.");
  return parts.join(" ");
}

function probabilityBars(results, probabilities, predicted) {
  const rows = results.classNames.map((name, label) => {
    const level = h(`span.level.${classKind(label)}`, {});
    level.style.width = `${100 * probabilities[label]}%`;
    return h(
      label === predicted ? "li.chosen" : "li",
      {},
      h(
        "span",
        {},
        chip(results, label),
        " ",
        h("span.note", {}, results.classMeanings[name] ?? ""),
      ),
      h("span.value", {}, percent(probabilities[label])),
      h("span.meter", {}, level),
    );
  });
  return h("ul.probabilities", { "aria-label": "Probability of each class" }, rows);
}

function detector(results, beat) {
  const name = results.className(beat);
  const limit = isKnown(results.threshold)
    ? ` The threshold is ${results.threshold.toFixed(3)}.`
    : "";
  return h(
    "p",
    {},
    `Anomaly score ${results.anomalyScore[beat].toFixed(3)}: ${results.classMeanings[name] ?? name}.${limit}`,
  );
}

function factsOf(results, beat) {
  const found = results.record?.beats[beat];
  return [
    results.labels && labelInWords(results, beat),
    results.uncertain && certaintyInWords(results, beat),
    results.oodScore && noveltyInWords(results.oodScore[beat]),
    results.unknown?.[beat] &&
      "Beside the other beats of this recording it resembles no known kind.",
    results.unusable?.[beat] && "Lies in a stretch that cannot be used, so it counts nowhere.",
    isKnown(found?.rr_s) &&
      `${found.rr_s.toFixed(2)} s after the beat before (${Math.round(60 / found.rr_s)} a minute).`,
    isKnown(found?.qrs_ms) &&
      `QRS ${Math.round(found.qrs_ms)} ms${isKnown(found.pr_ms) ? `, PR ${Math.round(found.pr_ms)} ms` : ""}.`,
  ].filter(Boolean);
}

function labelInWords(results, beat) {
  return `The file says ${results.trueName(beat)}${results.isWrong(beat) ? ", unlike the prediction" : ", as predicted"}.`;
}

function certaintyInWords(results, beat) {
  const limit = results.uncertainBelow.toFixed(2);
  return results.uncertain[beat]
    ? `Uncertain: no class has a probability of ${limit}. Judge it by its shape.`
    : `Not uncertain: its class has a probability of at least ${limit}. It may be wrong all the same.`;
}

function noveltyInWords(score) {
  const told = `out-of-distribution score ${score.toFixed(2)}; the limit is ${OOD_LIMIT}`;
  if (score > OOD_LIMIT)
    return `Unlike the beats that the model was trained on, so its class says little (${told}).`;
  return score > 0.8 * OOD_LIMIT
    ? `Just within what the model was trained on (${told}).`
    : `Like beats that the model was trained on (${told}).`;
}
