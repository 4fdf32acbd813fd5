/** The controls that turn the pages of a table. */

import { h } from "./dom.js";
import { number } from "./wording.js";

const PAGE_SIZES = [25, 50, 100, 200];
export const USUAL_PAGE = 50;

export class Pager {
  /**
   * @param {"above"|"below"} where it stands; the one above tells screen readers of changes.
   * @param {{page: (page: number) => void, size: (size: number) => void}} asked pages count from 0;
   *   one beyond the last means the last.
   */
  constructor(where, asked) {
    this.said = h("span.shown", where === "above" ? { "aria-live": "polite" } : {});
    this.input = h("input", {
      type: "number",
      min: "1",
      "aria-label": "Page",
      onchange: () => asked.page(Math.round(this.input.value) - 1),
    });
    this.of = h("span.note");
    const button = (name, text, page) =>
      h(
        "button",
        {
          type: "button",
          "aria-label": name,
          title: name,
          onclick: () => asked.page(page()),
        },
        text,
      );
    this.back = [
      button("First page", "«", () => 0),
      button("Previous page", "‹", () => this.page - 1),
    ];
    this.on = [
      button("Next page", "›", () => this.page + 1),
      button("Last page", "»", () => Infinity),
    ];
    this.turner = h("span.turner", {}, this.back, this.input, this.of, this.on);
    this.size = h(
      "select",
      { "aria-label": "Beats a page", onchange: () => asked.size(Number(this.size.value)) },
      PAGE_SIZES.map((count) => h("option", { value: String(count) }, `${count} a page`)),
    );
    this.element = h(
      `nav.pager.${where}`,
      { "aria-label": `Pages of beats, ${where} the table` },
      this.said,
      this.turner,
      this.size,
    );
  }

  /** Say which page this is. */
  show(page, pages, pageSize, words) {
    this.page = page;
    this.said.textContent = words;
    this.input.value = String(page + 1);
    this.input.max = String(pages);
    this.of.textContent = `of ${number(pages)}`;
    this.size.value = String(pageSize);
    for (const one of this.back) one.disabled = page === 0;
    for (const one of this.on) one.disabled = page === pages - 1;
    this.turner.hidden = pages === 1;
  }
}
