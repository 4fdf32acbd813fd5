/** The table of beats: a page of rows at a time, sorted by any column, walked through by keys. */

import { h } from "./dom.js";
import { columnsOf, drawShapes } from "./columns.js";
import { Pager, USUAL_PAGE } from "./pager.js";
import { ordered } from "./selection.js";
import { number, plural } from "./wording.js";

export class BeatTable {
  /**
   * @param {HTMLElement} home
   * @param {import("./results.js").Results} results
   * @param {(place: number) => void} onOpen told the place in `beats` of a beat to show large.
   */
  constructor(home, results, onOpen) {
    this.results = results;
    this.onOpen = onOpen;
    this.columns = columnsOf(results);
    this.sorting = { column: this.columns[0], descending: false };
    this.filtered = new Uint32Array(0);
    this.beats = this.filtered;
    this.pageSize = USUAL_PAGE;
    this.page = 0;
    this.active = 0; // the place in `beats` of the row that the Tab key reaches
    this.body = h("tbody", {
      onkeydown: (event) => this.onKey(event),
      onclick: (event) => this.onClick(event),
    });
    this.headers = this.columns.map((column) => this.header(column));
    const asked = { page: (page) => this.turnTo(page), size: (size) => this.resize(size) };
    this.pagers = [new Pager("above", asked), new Pager("below", asked)];
    home.replaceChildren(
      this.pagers[0].element,
      h(
        "div.scroll",
        {},
        h(
          "table.beats",
          { "aria-label": "Beats" },
          h("thead", {}, h("tr", {}, this.headers)),
          this.body,
        ),
      ),
      this.pagers[1].element,
    );
  }

  /** Show these beats, which are in the order of the file. */
  show(filtered) {
    this.filtered = filtered;
    this.sort();
  }

  /** Turn to the page of a place in `beats`, and move the keyboard's focus there. */
  focus(place) {
    this.active = place;
    const page = Math.floor(place / this.pageSize);
    if (page !== this.page) this.turnTo(page, place);
    this.markActive();
    this.body.querySelector(`[data-place="${place}"] button`)?.focus();
  }

  sort() {
    const { column, descending } = this.sorting;
    const isFileOrder = column.key === "row" && !descending;
    this.beats = isFileOrder ? this.filtered : ordered(this.filtered, column.values, descending);
    this.columns.forEach((one, i) => {
      const state = one !== column ? "none" : descending ? "descending" : "ascending";
      if (one.values) this.headers[i].setAttribute("aria-sort", state);
    });
    this.turnTo(0);
  }

  turnTo(page, active = page * this.pageSize) {
    const pages = Math.max(1, Math.ceil(this.beats.length / this.pageSize));
    this.page = Math.min(Math.max(page, 0), pages - 1);
    this.active = Math.min(active, Math.max(0, this.beats.length - 1));
    const first = this.page * this.pageSize;
    const shown = [...this.beats.subarray(first, first + this.pageSize)];
    this.body.replaceChildren(...shown.map((beat, i) => this.row(beat, first + i)));
    if (!shown.length) this.body.append(this.emptyRow());
    this.draw();
    this.markActive();
    for (const pager of this.pagers) pager.show(this.page, pages, this.pageSize, this.inWords());
  }

  /** Draw the small beats, e.g. again after the page has turned dark. */
  draw() {
    drawShapes(this.body, this.results);
  }

  header(column) {
    if (!column.values) return h("th", { scope: "col", className: column.kind }, column.name);
    return h(
      "th",
      { scope: "col", className: column.kind, "aria-sort": "none" },
      h(
        "button",
        { type: "button", title: column.title ?? "", onclick: () => this.sortBy(column) },
        h("span.long", {}, column.name),
        h("span.short", {}, column.short ?? column.name),
      ),
    );
  }

  sortBy(column) {
    const isSame = this.sorting.column === column;
    this.sorting = {
      column,
      descending: isSame ? !this.sorting.descending : Boolean(column.descendsFirst),
    };
    this.sort();
  }

  row(beat, place) {
    const row = h(
      "tr",
      {},
      this.columns.map((column) => h("td", { className: column.kind }, column.cell(beat))),
    );
    row.dataset.place = String(place);
    return row;
  }

  emptyRow() {
    return h(
      "tr",
      {},
      h("td.none", { colSpan: this.columns.length }, "No beat passes these filters."),
    );
  }

  markActive() {
    for (const button of this.body.querySelectorAll("button")) {
      button.tabIndex = Number(button.closest("tr").dataset.place) === this.active ? 0 : -1;
    }
  }

  onClick(event) {
    const row = event.target.closest("tr[data-place]");
    if (row) this.onOpen(Number(row.dataset.place));
  }

  onKey(event) {
    const last = this.beats.length - 1;
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: this.pageSize,
      PageUp: -this.pageSize,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.focus(Math.min(Math.max(this.active + step, 0), last));
  }

  resize(pageSize) {
    const first = this.page * this.pageSize;
    this.pageSize = pageSize;
    this.turnTo(Math.floor(first / pageSize));
  }

  inWords() {
    const all = this.results.count;
    if (!this.beats.length) return `0 of ${plural(all, "beat")}`;
    const first = this.page * this.pageSize;
    const end = Math.min(first + this.pageSize, this.beats.length);
    const share = this.beats.length === all ? "" : `, chosen from ${number(all)}`;
    return `${number(first + 1)}–${number(end)} of ${plural(this.beats.length, "beat")}${share}`;
  }
}
