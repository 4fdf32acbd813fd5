/** What the service said of the beats of one upload, column by column in typed arrays. */

import { asBytes, asFloats, asInt16 } from "./encoding.js";

const COLUMNS = {
  signals: asBytes,
  probabilities: asFloats,
  predicted: asBytes,
  uncertain: asBytes,
  ood_score: asFloats,
  nearest: asBytes,
  labels: asBytes,
  anomaly_score: asFloats,
};
/** Out of distribution lies above this score, by the service's definition. */
export const OOD_LIMIT = 1;

/**
 * Columns have one value a beat and are null where the service has nothing to say:
 * `signals` (samples a beat, 0 to 255), `probabilities` (classes a beat), `probability` of the
 * predicted class, `predicted` and `labels` (places in classNames), `uncertain`, `oodScore`,
 * `outOfDistribution`, `nearest` (a place in `typical`), `anomalyScore`; of a recording also
 * `timeS`, `rrS`, `unusable` and `unknown` (like no known kind).
 */
export class Results {
  /** @param {object} start the first line of the service's answer. */
  constructor(start) {
    this.name = start.name;
    this.model = start.model;
    this.classNames = start.class_names;
    this.classMeanings = start.class_meanings;
    this.samples = start.samples;
    this.samplingHz = start.sampling_hz;
    this.uncertainBelow = start.uncertain_below;
    this.threshold = start.threshold;
    this.typical = start.typical;
    this.bytes = start.bytes;
    this.count = 0;
    this.record = null;
    this.strip = null;
    this.parts = Object.fromEntries(Object.keys(COLUMNS).map((key) => [key, []]));
  }

  /** Take a line of beats. */
  append(line) {
    for (const [key, decode] of Object.entries(COLUMNS)) {
      if (line[key] !== null && line[key] !== undefined) this.parts[key].push(decode(line[key]));
    }
    this.count += line.count;
  }

  /** Take the line of a recording: what was found in it and the strip to draw. */
  takeRecording(line) {
    this.record = line.record;
    this.strip = { ...line.strip, signal: asInt16(line.strip.signal) };
  }

  /** Take the last line and make the columns. */
  finish(line) {
    this.scores = line.scores;
    this.notes = line.notes;
    this.seconds = line.seconds;
    const parts = this.parts;
    this.parts = null;
    this.signals = joined(parts.signals) ?? new Uint8Array(0);
    this.predicted = joined(parts.predicted) ?? new Uint8Array(0);
    this.probabilities = joined(parts.probabilities);
    this.probability = this.probabilities && this.ofPredicted();
    this.uncertain = joined(parts.uncertain);
    this.oodScore = joined(parts.ood_score);
    this.nearest = joined(parts.nearest);
    this.labels = joined(parts.labels);
    this.anomalyScore = joined(parts.anomaly_score);
    this.outOfDistribution =
      this.oodScore && Uint8Array.from(this.oodScore, (score) => score > OOD_LIMIT);
    this.takeBeatsOfRecord();
  }

  ofPredicted() {
    const classes = this.classNames.length;
    return Float32Array.from(
      this.predicted,
      (label, i) => this.probabilities[i * classes + label],
    );
  }

  takeBeatsOfRecord() {
    const beats = this.record?.beats;
    this.timeS = beats ? Float64Array.from(beats, (beat) => beat.time_s) : null;
    this.rrS = beats ? Float64Array.from(beats, (beat) => beat.rr_s ?? NaN) : null;
    this.unusable = beats ? Uint8Array.from(beats, (beat) => !beat.usable) : null;
    this.unknown = beats ? Uint8Array.from(beats, (beat) => beat.unknown) : null;
  }

  /** The samples of one beat, 0 to 255. */
  signal(beat) {
    return this.signals.subarray(beat * this.samples, (beat + 1) * this.samples);
  }

  /** The probability of each class for one beat, or null. */
  probabilitiesOf(beat) {
    const classes = this.classNames.length;
    return this.probabilities?.subarray(beat * classes, (beat + 1) * classes) ?? null;
  }

  className(beat) {
    return this.classNames[this.predicted[beat]];
  }

  trueName(beat) {
    return this.labelName(this.labels[beat]);
  }

  /** Labels of other classes than the model's keep their number. */
  labelName(label) {
    return this.classNames[label] ?? String(label);
  }

  isWrong(beat) {
    return this.labels !== null && this.labels[beat] !== this.predicted[beat];
  }

  /** How many beats a column of 0 and 1 marks; null where there is no column. */
  marked(column) {
    return column && column.reduce((sum, mark) => sum + mark, 0);
  }
}

function joined(parts) {
  if (!parts.length) return null;
  const whole = new parts[0].constructor(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
