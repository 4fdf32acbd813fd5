/** The recording as a strip: the whole of it small, and a stretch that is moved and zoomed. */

import { h } from "./dom.js";
import { sharp } from "./drawing.js";
import { follow } from "./gestures.js";
import { beatsWithin, drawOverview, drawStretch, xOf } from "./strip_drawing.js";
import { clock, duration } from "./wording.js";

const SHORTEST_S = 1;
// What the first view shows, so that a second is not squeezed together on a phone.
const WIDEST_VIEW_S = 10,
  PX_A_SECOND = 75;
const CLICK_PX = 24;
const ZOOM = 1.5;

export class Strip {
  /**
   * @param {import("./results.js").Results} results of a recording.
   * @param {(beat: number) => void} onOpen told a beat that was clicked.
   */
  constructor(results, onOpen) {
    this.recording = { results, record: results.record, strip: results.strip };
    this.onOpen = onOpen;
    this.lengthS = results.record.duration_s;
    this.range = usualRange(results.strip, results.record.unusable);
    this.fromS = 0;
    this.toS = Math.min(this.lengthS, WIDEST_VIEW_S);
    this.build();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
  }

  build() {
    this.overview = h("canvas.overview", {
      role: "img",
      "aria-label": "The whole recording; drag to move the stretch below",
    });
    this.frame = h("div.frame");
    this.whole = h("div.whole", {}, this.overview, this.frame);
    this.canvas = h("canvas.stretch", {
      tabIndex: 0,
      role: "application",
      "aria-label":
        "A stretch of the recording. Left and right arrow move, plus and minus zoom, Enter opens the beat in the middle.",
    });
    this.where = h("span.where", { "aria-live": "polite" });
    const button = (name, text, action) =>
      h("button", { type: "button", "aria-label": name, title: name, onclick: action }, text);
    const controls = h(
      "div.strip-controls",
      {},
      this.where,
      button("Earlier", "‹", () => this.move(-0.8)),
      button("Later", "›", () => this.move(0.8)),
      button("Closer", "+", () => this.zoom(1 / ZOOM)),
      button("Wider", "−", () => this.zoom(ZOOM)),
    );
    this.element = h(
      "div.strip",
      {},
      this.whole,
      this.canvas,
      controls,
      h(
        "p.note",
        {},
        "Drag or use the arrow keys to move, pinch or use + and − to zoom; click a beat to open it.",
      ),
    );
    this.listen();
  }

  listen() {
    follow(this.canvas, {
      drag: (px) => this.move(-px / this.canvas.clientWidth),
      zoom: (factor, px) => this.zoom(factor, px / this.canvas.clientWidth),
      click: (px) => this.openAt(px),
    });
    follow(this.whole, {
      drag: (px) => this.moveTo(this.fromS + (px / this.whole.clientWidth) * this.lengthS),
      click: (px) => this.centre((px / this.whole.clientWidth) * this.lengthS),
    });
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Show the stretch around a time, and at least `lengthS` of it. */
  centre(seconds, lengthS = 0) {
    const shown = Math.min(this.lengthS, Math.max(this.toS - this.fromS, lengthS * 1.2));
    this.view(seconds - shown / 2, shown);
  }

  /** Move by a share of what is shown. */
  move(share) {
    this.moveTo(this.fromS + share * (this.toS - this.fromS));
  }

  moveTo(fromS) {
    this.view(fromS, this.toS - this.fromS);
  }

  /** Show `factor` times as much, keeping in place what lies at a share of the width. */
  zoom(factor, share = 0.5) {
    const shown = this.toS - this.fromS;
    const length = Math.min(this.lengthS, Math.max(SHORTEST_S, shown * factor));
    this.view(this.fromS + share * (shown - length), length);
  }

  view(fromS, lengthS) {
    this.fromS = Math.max(0, Math.min(fromS, this.lengthS - lengthS));
    this.toS = this.fromS + lengthS;
    this.draw();
  }

  /** Draw both again, e.g. after the page has become wider or dark. */
  resize() {
    const width = this.element.clientWidth;
    if (!width) return;
    if (!this.wasSeen) {
      this.wasSeen = true;
      this.toS = Math.min(this.lengthS, WIDEST_VIEW_S, width / PX_A_SECOND);
    }
    const height = this.overview.clientHeight;
    const context = sharp(this.overview, width, height);
    drawOverview(
      { context, width, height, fromS: 0, toS: this.lengthS, range: this.range },
      this.recording,
    );
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const context = sharp(this.canvas, width, height);
    this.seen = { context, width, height, fromS: this.fromS, toS: this.toS, range: this.range };
    drawStretch(this.seen, this.recording);
    this.frame.style.left = `${(100 * this.fromS) / this.lengthS}%`;
    this.frame.style.width = `${(100 * (this.toS - this.fromS)) / this.lengthS}%`;
    this.where.textContent = `${clock(this.fromS, 1)} to ${clock(this.toS, 1)} of ${duration(this.lengthS)}`;
  }

  openAt(px) {
    const nearest = this.nearest(this.fromS + (px / this.seen.width) * (this.toS - this.fromS));
    if (nearest === null) return;
    if (Math.abs(xOf(this.seen, this.recording.results.timeS[nearest]) - px) <= CLICK_PX)
      this.onOpen(nearest);
  }

  nearest(seconds) {
    const { timeS } = this.recording.results;
    const [behind] = beatsWithin(timeS, seconds, seconds);
    const near = [behind - 1, behind].filter((beat) => beat >= 0 && beat < timeS.length);
    if (!near.length) return null;
    return near.reduce((a, b) =>
      Math.abs(timeS[a] - seconds) <= Math.abs(timeS[b] - seconds) ? a : b,
    );
  }

  onKey(event) {
    const actions = {
      ArrowLeft: () => this.move(-0.2),
      ArrowRight: () => this.move(0.2),
      PageUp: () => this.move(-1),
      PageDown: () => this.move(1),
      Home: () => this.moveTo(0),
      End: () => this.moveTo(this.lengthS),
      "+": () => this.zoom(1 / ZOOM),
      "=": () => this.zoom(1 / ZOOM),
      "-": () => this.zoom(ZOOM),
      Enter: () => this.openMiddle(),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
  }

  openMiddle() {
    const nearest = this.nearest((this.fromS + this.toS) / 2);
    if (nearest !== null) this.onOpen(nearest);
  }
}

/** Between which values the recording lies but for rare artefacts, which must not flatten beats. */
function usualRange({ signal, sampling_hz: hz }, unusable) {
  const lows = [],
    highs = [];
  const block = Math.max(1, Math.round(hz * Math.max(1, signal.length / hz / 2000)));
  for (let first = 0; first < signal.length; first += block) {
    const middleS = (first + block / 2) / hz;
    if (unusable.some((span) => span.start_s <= middleS && middleS < span.end_s)) continue;
    const part = signal.subarray(first, first + block);
    lows.push(part.reduce((a, b) => Math.min(a, b)));
    highs.push(part.reduce((a, b) => Math.max(a, b)));
  }
  const at = (values, share) =>
    values.sort((a, b) => a - b)[Math.round(share * (values.length - 1))] ?? 0;
  const [low, high] = [at(lows, 0.01), at(highs, 0.99)];
  const margin = Math.max(1, 0.12 * (high - low));
  return [low - margin, high + margin];
}
