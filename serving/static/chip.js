/** A class's name with its colour, as it stands everywhere on the page. */

import { h } from "./dom.js";
import { CLASS_COLOURS } from "./drawing.js";

/** @param {import("./results.js").Results} results */
export function chip(results, label) {
  return h(`span.chip.${classKind(label)}`, {}, results.labelName(label));
}

/** The style sheet's name for a class's colour. */
export function classKind(label) {
  return `class-${label % CLASS_COLOURS}`;
}
