/** What the marks of an upload's beats mean, in words that leave no room for a diagnosis. */

import { h } from "./dom.js";
import { number, percent } from "./wording.js";

const CAVEAT =
  "A program found all of this and nobody checked it. It is no diagnosis, and where nothing is " +
  "marked something may be.";

/**
 * One list item for each thing that the reader must know before the figures.
 * @param {import("./results.js").Results} results
 * @param {object|undefined} model what /api/models says of the model, if it is still there.
 */
export function meanings(results, model) {
  return [
    results.anomalyScore && anomalies(results),
    uncertainty(results, model?.facts.reference?.certainty),
    novelty(results),
    h("li", {}, CAVEAT),
  ].filter(Boolean);
}

function anomalies(results) {
  return h(
    "li",
    {},
    term("Anomalous"),
    ` means unlike the normal beats that the model was trained on (a score above ${results.threshold.toFixed(3)}). ` +
      "That may be noise, another lead or another person as well as another kind of beat.",
  );
}

/** How often such beats were wrong is measured on validation beats, when the model is made. */
function uncertainty(results, measured) {
  const count = results.marked(results.uncertain);
  if (count === null) return null;
  const limit = results.uncertainBelow.toFixed(2);
  if (!count) {
    return h("li", {}, term("None is uncertain"), `: each got its class with at least ${limit}.`);
  }
  const rates = measured
    ? ` Of validation beats like these ${percent(measured.error_of_uncertain)} got a wrong class, ` +
      `of the others ${percent(measured.error_of_certain)}. People whom the model does not know are harder.`
    : " People whom the model does not know are harder.";
  return h(
    "li",
    {},
    term(`${number(count)} ${count === 1 ? "is" : "are"} uncertain`),
    `: no class has a probability of ${limit}.${rates} Look at these first, ` +
      "by the filter below, and count what stays unclear as unknown.",
  );
}

function novelty(results) {
  const count = results.marked(results.outOfDistribution);
  if (!count) return null;
  return h(
    "li",
    {},
    term(`${number(count)} ${count === 1 ? "is" : "are"} out of distribution`),
    ": unlike the beats that the model was trained on, so their classes say little, however probable. " +
      "Noise, a wrong cut, another lead or a person who is new can be the cause.",
  );
}

function term(text) {
  return h("strong", {}, text);
}
