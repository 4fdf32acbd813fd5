/** The choice of a model, with its score, its data and its split in plain words. */

import { byId, h } from "./dom.js";
import { isKnown, list, number } from "./wording.js";

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
    note: "Beats of the same people were trained on and scored, so expect less on new people.",
  },
  patients: { name: "split by patient", note: "Scored on people that it was not trained on." },
  ucr: { name: "UCR's split", note: "" },
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

/** Ask the service for its models and fill the select; returns id -> model. */
export async function loadModels(wanted) {
  const response = await fetch("/api/models");
  if (!response.ok) throw new Error(`the service answered with status ${response.status}`);
  const answer = await response.json();
  const ordered = answer.models.toSorted((a, b) => place(a, answer) - place(b, answer));
  const models = new Map(ordered.map((model) => [model.id, model]));
  const select = byId("model");
  select.replaceChildren(...ordered.map((one) => h("option", { value: one.id }, title(one))));
  select.value = models.has(wanted) ? wanted : answer.default;
  describe(models.get(select.value));
  return { models, standard: answer.default };
}

/** Say below the select what the model is. */
export function describe(model) {
  byId("samples").textContent = String(model.samples);
  const protocol = PROTOCOLS[model.protocol];
  byId("model-words").replaceChildren(
    h("p", {}, h("strong", {}, scoreOf(model)), ` ${protocol?.note ?? ""}`),
    h("p", {}, classesOf(model)),
  );
  byId("trained-on").textContent = trainedOn(model);
}

/** The usual model comes first, those that name no kinds last. */
function place(model, answer) {
  if (model.id === answer.default) return 0;
  return model.kind === "classifier" ? 1 : 2;
}

function title(model) {
  const parts = [ARCHITECTURES[model.architecture] ?? model.architecture];
  if (/light/.test(model.id)) parts[0] = `Light ${parts[0]}`;
  const aim = model.kind === "anomaly_detector" ? "finds unusual beats" : "names the kind";
  const data = (DATA[model.data] ?? model.data).replace(/ \(.*/, "");
  const protocol = PROTOCOLS[model.protocol]?.name ?? model.protocol;
  const here = model.origin === "pretrained" ? "" : ", trained here";
  return `${parts[0]}, ${data}, ${protocol}: ${aim}${here}`;
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
  const named = model.class_names.map((name) => {
    const meaning = model.class_meanings[name];
    return meaning ? `${name} ${meaning}` : name;
  });
  return `Classes: ${named.join("; ")}.`;
}

function trainedOn(model) {
  const facts = model.facts;
  const details = [
    isKnown(facts.training_beats) &&
      `${number(facts.training_beats)} beats of ${DATA[model.data] ?? model.data}`,
    PROTOCOLS[model.protocol]?.name ?? model.protocol,
    isKnown(model.parameters) && `${number(model.parameters)} parameters`,
    facts.created && `made ${facts.created.slice(0, 10)}`,
  ].filter(Boolean);
  return `The model ${model.id} was trained on ${list(details.slice(0, 1))}${details
    .slice(1)
    .map((one) => `, ${one}`)
    .join("")}.`;
}
