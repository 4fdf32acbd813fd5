/** The choice of a model: what each is, how large, and what its score is worth, in plain words. */

import { byId, h } from "./dom.js";
import { isKnown, number } from "./wording.js";

const DATA = {
  mitbih: "MIT-BIH (47 people)",
  ecg5000: "ECG5000 (one person)",
  ptb: "PTB",
  ptbxl: "PTB-XL",
  synthetic: "synthetic beats",
};
const PROTOCOLS = {
  kaggle: {
    name: "Kaggle's split",
    note: "Beats of the same people were trained on and scored: expect less with new people.",
  },
  patients: { name: "split by patient", note: "Scored on people that it was not trained on." },
  ucr: {
    name: "UCR's split",
    note: "Trained on one person's beats and scored on others of them.",
  },
};
const ARCHITECTURES = {
  cnn: "CNN",
  rnn: "RNN",
  cnn_lstm: "CNN and LSTM",
  lstm_autoencoder: "LSTM autoencoder",
};
const MONITORS = {
  val_macro_f1: "macro F1",
  val_auc: "area under the ROC curve",
  val_loss: "loss",
  val_accuracy: "accuracy",
};
// What was measured of models that come with the program; EXPERIMENTS.md tells how.
const MEASURED = {
  "mitbih-kaggle-light/cnn":
    "A third of the full CNN's time for a beat, and on the test beats as accurate (98.9 %).",
  "mitbih-kaggle/cnn": "Three times the light CNN's time for a beat.",
};
const AIMS = {
  classifier: "Names the kind of each beat",
  anomaly_detector: "Finds unusual beats",
};

/**
 * Ask the service for its models and fill the select. Its first choice has no value and leaves the
 * model to the service, which takes one for beats and another for recordings.
 * @returns {Promise<{models: Map<string, object>, standard: string}>} by id; the one for beats.
 */
export async function loadModels() {
  const response = await fetch("/api/models");
  if (!response.ok) throw new Error(`the service answered with status ${response.status}`);
  const answer = await response.json();
  const models = new Map(answer.models.map((model) => [model.id, model]));
  const standard = models.get(answer.default);
  byId("model").replaceChildren(
    h("option", { value: "" }, `Automatic: ${architecture(standard)} for beats`),
    ...Object.keys(AIMS).flatMap((kind) => group(answer.models, kind, answer.default)),
  );
  return { models, standard: answer.default };
}

/** Say below the select what the model is; `isAutomatic` where the service may take another. */
export function describe(model, isAutomatic) {
  byId("samples").textContent = String(model.samples);
  byId("model-words").replaceChildren(
    isAutomatic
      ? h(
          "p",
          {},
          `${title(model)}; for recordings the best CNN. The results name what was taken.`,
        )
      : "",
    h("p", {}, h("strong", {}, scoreOf(model)), ` ${PROTOCOLS[model.protocol]?.note ?? ""}`),
    model.facts.promoted ? h("p", {}, `In use because ${model.facts.promoted.because}.`) : "",
    MEASURED[model.id] && model.origin === "pretrained" ? h("p", {}, MEASURED[model.id]) : "",
    h("p", {}, classesOf(model)),
  );
  byId("trained-on").textContent = trainedOn(model);
}

/** The models of a kind under their aim, the usual one first. */
function group(models, kind, standard) {
  const own = models.filter((model) => model.kind === kind);
  own.sort((a, b) => Number(b.id === standard) - Number(a.id === standard));
  if (!own.length) return [];
  const options = own.map((model) => h("option", { value: model.id }, title(model)));
  return [h("optgroup", { label: AIMS[kind] }, options)];
}

function title(model) {
  const thousands = isKnown(model.parameters) && Math.round(model.parameters / 1000);
  return [
    architecture(model),
    PROTOCOLS[model.protocol]?.name ?? model.protocol,
    model.data !== "mitbih" && shortData(model),
    thousands && `${number(thousands)} k parameters`,
    model.origin !== "pretrained" && "trained here",
  ]
    .filter(Boolean)
    .join(", ");
}

function architecture(model) {
  const name = ARCHITECTURES[model.architecture] ?? model.architecture;
  return /-light\//.test(model.id) ? `Light ${name}` : name;
}

function shortData(model) {
  return (DATA[model.data] ?? model.data).replace(/ \(.*/, "");
}

function scoreOf(model) {
  if (!isKnown(model.score)) return "";
  const name = MONITORS[model.monitor] ?? model.monitor;
  return `${name.charAt(0).toUpperCase()}${name.slice(1)} ${model.score.toFixed(3)} on validation beats.`;
}

function classesOf(model) {
  if (model.kind === "anomaly_detector") {
    return `Says of each beat of ${model.samples} values whether it is unlike normal ones.`;
  }
  const named = model.class_names.map((name) =>
    [name, model.class_meanings[name]].filter(Boolean).join(" "),
  );
  return `Classes: ${named.join("; ")}.`;
}

function trainedOn(model) {
  const { training_beats: beats, created } = model.facts;
  const details = [
    isKnown(beats) && `${number(beats)} beats of ${DATA[model.data] ?? model.data}`,
    PROTOCOLS[model.protocol]?.name ?? model.protocol,
    isKnown(model.parameters) && `${number(model.parameters)} parameters`,
    created && `made ${created.slice(0, 10)}`,
  ];
  const [chosen] = model.how_chosen.split("; in use because");
  return (
    `The chosen model ${model.id} was trained on ${details.filter(Boolean).join(", ")}. ` +
    `${chosen.charAt(0).toUpperCase()}${chosen.slice(1)}.`
  );
}
