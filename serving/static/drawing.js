/** Canvases that are sharp on every screen, in the colours of the style sheet, light or dark. */

const NAMES = ["ink", "muted", "grid", "paper", "panel", "accent", "irregular", "unusable"];
// Colours of classes, --class-0 and on in style.css; further classes begin again.
export const CLASS_COLOURS = 7;

let palette = null;
const watchers = new Set();
for (const look of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(look).addEventListener("change", () => {
    palette = null;
    for (const redraw of watchers) redraw();
  });
}

/** Call `redraw` when the page turns light or dark, as paper always is light. */
export function onThemeChange(redraw) {
  watchers.add(redraw);
}

/** The page's colours by name, and `classes`, a list. */
export function colours() {
  if (!palette) {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    palette = Object.fromEntries(NAMES.map((name) => [name, value(name)]));
    palette.classes = Array.from({ length: CLASS_COLOURS }, (_, i) => value(`class-${i}`));
    palette.font = value("font-family");
  }
  return palette;
}

export function classColour(label) {
  return colours().classes[label % CLASS_COLOURS];
}

/** An empty drawing context in CSS pixels; the canvas becomes so large. */
export function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineJoin = "round";
  context.font = `12px ${colours().font}`;
  return context;
}

/** How many samples a beat has before the zeros behind its end. */
export function lengthOf(signal) {
  let end = signal.length;
  while (end > 1 && !signal[end - 1]) end -= 1;
  return end;
}

/**
 * Draw samples as a line.
 * @param {CanvasRenderingContext2D} context
 * @param {ArrayLike<number>} signal
 * @param {number} first, end which samples.
 * @param {(sample: number) => number} x, y of a sample's place and of its value.
 */
export function trace(context, signal, first, end, x, y) {
  context.beginPath();
  for (let i = first; i < end; i += 1) context.lineTo(x(i), y(signal[i]));
  context.stroke();
}

/** Draw a straight line. */
export function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** A beat as small as a word. */
export function drawSmall(canvas, signal, label, width, height) {
  const context = sharp(canvas, width, height);
  const x = (sample) => 1 + (sample / (signal.length - 1)) * (width - 2);
  const y = (value) => height - 2 - (value / 255) * (height - 4);
  const end = lengthOf(signal);
  context.lineWidth = 1.3;
  context.strokeStyle = classColour(label);
  trace(context, signal, 0, end, x, y);
}
