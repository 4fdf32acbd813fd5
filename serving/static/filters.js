/** The controls that choose which beats the table shows. */

import { chip } from "./chip.js";
import { h } from "./dom.js";
import { EVERYTHING } from "./selection.js";
import { number } from "./wording.js";

/**
 * Fills an element with controls and keeps the filter that they stand for in `filter`.
 */
export class Filters {
  /**
   * @param {HTMLElement} home
   * @param {import("./results.js").Results} results
   * @param {() => void} onChange called when `filter` is another one.
   */
  constructor(home, results, onChange) {
    this.results = results;
    this.onChange = onChange;
    this.filter = { ...EVERYTHING };
    this.classes = this.classButtons();
    this.marks = this.markButtons();
    this.limits = results.probability ? [this.limit("lowest", 0), this.limit("highest", 100)] : [];
    this.truth = h("button.toggle", {
      type: "button",
      "aria-pressed": "true",
      onclick: () => this.change({ trueLabel: null }),
    });
    this.all = h(
      "button",
      { type: "button", className: "quiet", onclick: () => this.set({ ...EVERYTHING }) },
      "Show all",
    );
    home.replaceChildren(
      h(
        "div.filter-group",
        {},
        this.classes.map(([, button]) => button),
        this.truth,
      ),
      h(
        "div.filter-group",
        {},
        this.marks.map(([, button]) => button),
      ),
      this.limits.length
        ? h(
            "div.filter-group",
            {},
            h("span.note", {}, "Probability"),
            this.limits[0],
            h("span.note", {}, "to"),
            this.limits[1],
            h("span.note", {}, "%"),
          )
        : "",
      this.all,
    );
    this.show();
  }

  /** Replace the whole filter. */
  set(filter) {
    this.filter = filter;
    this.show();
    this.onChange();
  }

  change(parts) {
    this.set({ ...this.filter, ...parts });
  }

  classButtons() {
    const counts = new Map();
    for (const label of this.results.predicted) counts.set(label, (counts.get(label) ?? 0) + 1);
    return [...counts.keys()]
      .sort((a, b) => a - b)
      .map((label) => [
        label,
        h(
          "button.toggle",
          {
            type: "button",
            "aria-pressed": "false",
            onclick: () => this.toggleClass(label),
          },
          chip(this.results, label),
          ` ${number(counts.get(label))}`,
        ),
      ]);
  }

  markButtons() {
    const { results } = this;
    const wrong =
      results.labels && results.predicted.reduce((sum, _, beat) => sum + results.isWrong(beat), 0);
    return [
      ["uncertain", "uncertain", results.marked(results.uncertain)],
      ["outOfDistribution", "out of distribution", results.marked(results.outOfDistribution)],
      ["unknown", "unknown kind", results.marked(results.unknown)],
      ["wrong", "unlike the label", wrong],
    ]
      .filter(([, , count]) => count)
      .map(([key, name, count]) => [
        key,
        h(
          "button.toggle",
          {
            type: "button",
            "aria-pressed": "false",
            onclick: () => this.change({ [key]: !this.filter[key] }),
          },
          `${name} ${number(count)}`,
        ),
      ]);
  }

  limit(key, standard) {
    const input = h("input", {
      type: "number",
      min: "0",
      max: "100",
      step: "any",
      value: String(standard),
      inputMode: "decimal",
      "aria-label":
        key === "lowest" ? "Least probability in per cent" : "Greatest probability in per cent",
      oninput: () => {
        const value = input.value === "" ? standard : Number(input.value);
        this.filter = { ...this.filter, [key]: value / 100 };
        this.showReset();
        this.onChange();
      },
    });
    return input;
  }

  toggleClass(label) {
    const classes = new Set(this.filter.classes ?? []);
    if (!classes.delete(label)) classes.add(label);
    this.change({ classes: classes.size ? classes : null });
  }

  /** Make the controls look as the filter is. */
  show() {
    const { filter, results } = this;
    for (const [label, button] of this.classes) press(button, filter.classes?.has(label));
    for (const [key, button] of this.marks) press(button, filter[key]);
    this.limits.forEach((input, i) => {
      input.value = String(Math.round(1e4 * [filter.lowest, filter.highest][i]) / 100);
    });
    this.truth.hidden = filter.trueLabel === null;
    this.truth.textContent = this.truth.hidden
      ? ""
      : `true class ${results.labelName(filter.trueLabel)} ×`;
    this.showReset();
  }

  showReset() {
    const { filter } = this;
    this.all.hidden = Object.keys(EVERYTHING).every((key) => filter[key] === EVERYTHING[key]);
  }
}

function press(button, isPressed) {
  button.setAttribute("aria-pressed", String(Boolean(isPressed)));
}
