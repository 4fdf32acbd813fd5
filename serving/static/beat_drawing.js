/** One beat large, with its time axis, over the typical beat that it resembles most. */

import { classColour, colours, lengthOf, line, sharp, trace } from "./drawing.js";

const LEFT = 34,
  RIGHT = 12,
  TOP = 10,
  BOTTOM = 34;
const TICKS_MS = [50, 100, 200, 500, 1000, 2000];
const LEAST_TICK_PX = 62;

/**
 * @param {HTMLCanvasElement} canvas as wide and high as the style sheet makes it.
 * @param {ArrayLike<number>} signal 0 to 255.
 * @param {number} label whose colour the beat gets.
 * @param {number} samplingHz
 * @param {ArrayLike<number>|null} typical 0 to 1.
 */
export function drawBeat(canvas, signal, label, samplingHz, typical) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = sharp(canvas, width, height);
  const lengthMs = (1000 * (signal.length - 1)) / samplingHz;
  const place = {
    ms: (ms) => LEFT + (ms / lengthMs) * (width - LEFT - RIGHT),
    y: (share) => height - BOTTOM - share * (height - TOP - BOTTOM),
    width,
    height,
  };
  drawAxes(context, place, lengthMs);
  const x = (sample) => place.ms((1000 * sample) / samplingHz);
  if (typical) drawTypical(context, typical, x, place.y);
  drawSignal(context, signal, label, x, place.y);
}

function drawAxes(context, place, lengthMs) {
  const { grid, muted } = colours();
  const step =
    TICKS_MS.find((ms) => place.ms(ms) - place.ms(0) >= LEAST_TICK_PX) ?? TICKS_MS.at(-1);
  context.strokeStyle = grid;
  context.fillStyle = muted;
  context.lineWidth = 1;
  context.textAlign = "center";
  for (let ms = 0; ms <= lengthMs; ms += step) {
    line(context, place.ms(ms), place.y(0), place.ms(ms), place.y(1));
    context.fillText(String(ms), place.ms(ms), place.height - BOTTOM + 15);
  }
  context.textAlign = "right";
  for (const share of [0, 0.5, 1]) {
    line(context, LEFT, place.y(share), place.width - RIGHT, place.y(share));
    context.fillText(share === 0.5 ? "½" : String(share), LEFT - 7, place.y(share) + 4);
  }
  context.fillText("milliseconds", place.width - RIGHT, place.height - 4);
}

function drawTypical(context, typical, x, y) {
  context.strokeStyle = colours().ink;
  context.lineWidth = 1.2;
  context.setLineDash([5, 4]);
  trace(context, typical, 0, lengthOf(typical), x, y);
  context.setLineDash([]);
}

function drawSignal(context, signal, label, x, y) {
  const end = lengthOf(signal);
  const share = (value) => y(value / 255);
  context.strokeStyle = classColour(label);
  context.lineWidth = 2.2;
  trace(context, signal, 0, end, x, share);
  context.globalAlpha = 0.35;
  context.lineWidth = 1.2;
  trace(context, signal, end - 1, signal.length, x, share);
  context.globalAlpha = 1;
}
