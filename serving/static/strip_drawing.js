/** How a stretch of a recording looks: grid, shading, the trace, coloured beats and their letters. */

import { classColour, colours, line } from "./drawing.js";
import { clock } from "./wording.js";

export const TOP = 26,
  BOTTOM = 42;
// A beat's colour begins before its R peak and ends behind it, at most half way to the next beat.
const BEFORE_S = 0.28,
  BEHIND_S = 0.42;
const LETTER_PX = 13,
  LABEL_PX = 70;
const TICKS_S = [0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14400];

/**
 * @typedef {object} View
 * @property {CanvasRenderingContext2D} context
 * @property {number} width, height in CSS pixels.
 * @property {number} fromS, toS the stretch that is drawn.
 * @property {[number, number]} range lowest and highest value of the strip, in its own steps.
 */

export function xOf(view, seconds) {
  return ((seconds - view.fromS) / (view.toS - view.fromS)) * view.width;
}

/** Draw all of a stretch; `recording` is {strip, record, results}. */
export function drawStretch(view, recording) {
  drawGrid(view, recording.strip.unit_mv);
  drawStretches(view, recording.record);
  drawTrace(view, recording.strip, colours().ink, view.fromS, view.toS);
  const beats = beatsWithin(recording.results.timeS, view.fromS - 1, view.toS + 1);
  drawBeats(view, recording, beats);
  drawMillivolts(view, recording.strip.unit_mv);
  drawEpisodes(view, recording.record.episodes);
}

/** The whole recording small: shading, trace, and a tick for each beat that is not of class 0. */
export function drawOverview(view, { strip, record, results }) {
  drawStretches(view, record, 0, 0);
  drawTrace(view, strip, colours().muted, view.fromS, view.toS, 14, 2);
  for (let beat = 0; beat < results.count; beat += 1) {
    if (!results.predicted[beat]) continue;
    view.context.fillStyle = classColour(results.predicted[beat]);
    view.context.fillRect(xOf(view, results.timeS[beat]) - 0.75, 2, 1.5, 9);
  }
}

/** First and end (exclusive) of the beats within a stretch. */
export function beatsWithin(timeS, fromS, toS) {
  return [firstFrom(timeS, fromS), firstFrom(timeS, toS)];
}

function firstFrom(timeS, seconds) {
  let low = 0,
    high = timeS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeS[middle] < seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawGrid(view, unitMv) {
  const { context, width, height } = view;
  const { grid, muted } = colours();
  const perSecond = width / (view.toS - view.fromS);
  const minor = TICKS_S.find((step) => step * perSecond >= 12) ?? TICKS_S.at(-1);
  const major = TICKS_S.find((step) => step * perSecond >= LABEL_PX) ?? TICKS_S.at(-1);
  context.fillStyle = muted;
  context.strokeStyle = grid;
  context.lineWidth = 1;
  context.textAlign = "left";
  for (const [step, alpha] of [
    [minor, 0.45],
    [major, 1],
  ]) {
    context.globalAlpha = alpha;
    for (let n = Math.ceil(view.fromS / step); n * step <= view.toS; n += 1) {
      const x = Math.round(xOf(view, n * step)) + 0.5;
      line(context, x, TOP, x, height - BOTTOM);
      if (step === major) context.fillText(clock(n * step, step < 1 ? 1 : 0), x + 3, height - 4);
    }
  }
  for (const [, at] of millivolts(view, unitMv)) line(context, 0, at, width, at);
}

/** The heights of round millivolts and what is written at them. */
function millivolts(view, unitMv) {
  const y = heightOf(view, TOP, BOTTOM);
  const step = [0.5, 1, 2, 5, 10, 50].find((mv) => y(0) - y(mv / unitMv) >= 26) ?? 100;
  const [low, high] = view.range.map((value) => (value * unitMv) / step);
  const marks = [];
  for (let n = Math.ceil(low); n <= high; n += 1) {
    const at = Math.round(y((n * step) / unitMv)) + 0.5;
    marks.push([String(n * step).replace("-", "−"), at]);
  }
  return marks;
}

/** Written over the trace, and so on a rim of paper. */
function drawMillivolts(view, unitMv) {
  const { context } = view;
  context.save();
  context.textAlign = "left";
  context.fillStyle = colours().muted;
  context.strokeStyle = colours().paper;
  context.lineWidth = 3;
  const write = (text, at) => {
    context.strokeText(text, 3, at);
    context.fillText(text, 3, at);
  };
  write("mV", TOP + 8);
  for (const [text, at] of millivolts(view, unitMv)) if (at > TOP + 24) write(text, at - 3);
  context.restore();
}

function drawStretches(view, record, top = TOP, bottom = BOTTOM) {
  const { context, height } = view;
  const fill = (span, style) => {
    const from = Math.max(0, xOf(view, span.start_s));
    const to = Math.min(view.width, xOf(view, span.end_s));
    if (to <= from) return;
    context.fillStyle = style;
    context.fillRect(from, top, Math.max(1, to - from), height - top - bottom);
  };
  for (const span of record.irregular) fill(span, colours().irregular);
  const hatched = hatching(context);
  for (const span of record.unusable) fill(span, hatched);
}

function hatching(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const brush = tile.getContext("2d");
  brush.strokeStyle = colours().unusable;
  brush.lineWidth = 1.5;
  for (const shift of [-8, 0, 8]) line(brush, shift, 8, shift + 8, 0);
  return context.createPattern(tile, "repeat");
}

function heightOf(view, top, bottom) {
  const [low, high] = view.range;
  return (value) =>
    view.height - bottom - ((value - low) / (high - low)) * (view.height - top - bottom);
}

/** The trace from its lowest to its highest value in each pixel, where there are many samples. */
function drawTrace(view, strip, colour, fromS, toS, top = TOP, bottom = BOTTOM) {
  const { context } = view;
  const { signal, sampling_hz: hz } = strip;
  const first = Math.max(0, Math.floor(fromS * hz));
  const end = Math.min(signal.length, Math.ceil(toS * hz) + 1);
  const perPixel = (hz * (view.toS - view.fromS)) / view.width;
  const y = heightOf(view, top, bottom);
  context.save();
  context.beginPath();
  context.rect(0, top, view.width, view.height - top - bottom);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = perPixel > 4 ? 1 : 1.4;
  context.beginPath();
  const step = Math.max(1, Math.floor(perPixel));
  for (let i = first; i < end; i += step) {
    const [low, high] = extremes(signal, i, Math.min(i + step, end));
    const x = xOf(view, i / hz);
    context.lineTo(x, y(low));
    if (high > low) context.lineTo(x, y(high));
  }
  context.stroke();
  context.restore();
}

function extremes(signal, first, end) {
  let low = signal[first],
    high = low;
  for (let i = first + 1; i < end; i += 1) {
    if (signal[i] < low) low = signal[i];
    else if (signal[i] > high) high = signal[i];
  }
  return [low, high];
}

function drawBeats(view, { strip, results }, [first, end]) {
  const { context } = view;
  const crowded = ((end - first) * LETTER_PX) / view.width > 1;
  context.textAlign = "center";
  for (let beat = first; beat < end; beat += 1) {
    const time = results.timeS[beat];
    const label = results.predicted[beat];
    const x = xOf(view, time);
    context.globalAlpha = results.unusable[beat] ? 0.4 : 1;
    if (label) drawTrace(view, strip, classColour(label), ...reach(results.timeS, beat));
    context.fillStyle = label ? classColour(label) : colours().muted;
    if (crowded) context.fillRect(x - 1, 8, 2, label ? 12 : 5);
    else drawLetter(context, results.className(beat), x, label);
    context.globalAlpha = 1;
  }
}

function drawLetter(context, letter, x, label) {
  context.save();
  if (label) context.font = context.font.replace("12px", "bold 14px");
  context.fillText(letter, x, 18);
  context.restore();
}

function reach(timeS, beat) {
  const time = timeS[beat];
  const before = beat ? (time - timeS[beat - 1]) / 2 : BEFORE_S;
  const behind = beat + 1 < timeS.length ? (timeS[beat + 1] - time) / 2 : BEHIND_S;
  return [time - Math.min(before, BEFORE_S), time + Math.min(behind, BEHIND_S)];
}

function drawEpisodes(view, episodes) {
  const { context, height } = view;
  context.textAlign = "left";
  context.fillStyle = colours().accent;
  let busyTo = -Infinity;
  for (const episode of episodes) {
    const from = xOf(view, episode.start_s),
      to = xOf(view, episode.end_s);
    if (to < 0 || from > view.width) continue;
    context.fillRect(from, height - BOTTOM + 3, Math.max(3, to - from), 4);
    const at = Math.max(3, from);
    if (at < busyTo) continue;
    context.fillText(episode.kind, at, height - BOTTOM + 19);
    busyTo = at + context.measureText(episode.kind).width + 8;
  }
}
