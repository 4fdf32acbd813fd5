/** What was found in a recording beside its beats: the strip, its figures, its episodes. */

import { h, table } from "./dom.js";
import { Strip } from "./strip.js";
import { clock, duration, isKnown, number, percent, plural, UNKNOWN } from "./wording.js";

const INTERVALS = {
  p_ms: "P wave",
  pr_ms: "PR interval",
  qrs_ms: "QRS",
  qt_ms: "QT interval",
  qtc_ms: "QTc, for the rate",
};
const MOST_ROWS = 500;

/**
 * @param {HTMLElement} home is filled.
 * @param {import("./results.js").Results} results
 * @param {{open: (beat: number) => void, report: (button: HTMLButtonElement) => void,
 *   lead: (lead: string) => void}} told what the reader asks for.
 * @returns {Strip}
 */
export function showRecording(home, results, told) {
  const { record } = results;
  const strip = new Strip(results, told.open);
  const report = h(
    "button",
    { type: "button", onclick: () => told.report(report) },
    "Full report (HTML)",
  );
  home.replaceChildren(
    h("div.recording-head", {}, h("p", {}, about(record)), leadChoice(record, told.lead), report),
    strip.element,
    key(record),
    h(
      "div.beside",
      {},
      h(
        "section",
        {},
        h("h3", {}, "At a glance"),
        table(["", ""], figures(record), { words: 2, label: "Figures of the recording" }),
        ...intervals(record),
      ),
      h("section", {}, h("h3", {}, "Episodes and stretches"), places(record, strip)),
    ),
  );
  return strip;
}

function about(record) {
  return (
    `${duration(record.duration_s)}, ${Number(record.sampling_hz.toFixed(3))} samples a second, ` +
    `${record.leads.length === 1 ? "lead" : "leads"} ${record.leads.join(", ")}.`
  );
}

function leadChoice(record, onLead) {
  if (record.leads.length < 2) return null;
  const select = h(
    "select",
    { onchange: () => onLead(select.value) },
    record.leads.map((lead) => h("option", { value: lead, selected: lead === record.lead }, lead)),
  );
  return h("label", {}, "Classified in lead ", select);
}

/** What the marks of the strip mean; only those that are there. */
function key(record) {
  const parts = [];
  if (record.irregular.length)
    parts.push(h("span", {}, h("span.swatch.irregular"), " irregular rhythm"));
  if (record.unusable.length)
    parts.push(h("span", {}, h("span.swatch.unusable"), " cannot be used"));
  if (record.episodes.length) parts.push(h("span", {}, h("span.swatch.episode"), " episode"));
  return h("p.key.note", {}, parts);
}

function figures({ summary, beats }) {
  const rate = summary.heart_rate_bpm;
  const kinds = Object.entries(summary.episodes).map(
    ([kind, count]) => `${kind} ${number(count)}`,
  );
  return [
    [
      "beats",
      `${number(summary.usable_beats)}${beats.length > summary.usable_beats ? `, ${number(beats.length - summary.usable_beats)} more where the signal cannot be used` : ""}`,
    ],
    [
      "heart rate",
      rate
        ? `${rate.mean.toFixed(0)} a minute, from ${rate.min.toFixed(0)} to ${rate.max.toFixed(0)}`
        : UNKNOWN,
    ],
    ["ectopic beats (S, V, F)", percent(summary.ectopic_share)],
    [
      "irregular rhythm",
      summary.irregular_minutes
        ? `${summary.irregular_minutes.toFixed(1)} min, ${percent(summary.irregular_share)} of the usable time`
        : "none",
    ],
    ["episodes", kinds.join(", ") || "none"],
    ["beats of unknown kind", number(summary.unknown_beats)],
    ["cannot be used", percent(summary.unusable_share)],
    [
      "signal quality",
      isKnown(summary.quality) ? `${summary.quality.toFixed(2)} (median; 1 is best)` : UNKNOWN,
    ],
  ];
}

function intervals({ summary }) {
  const rows = Object.entries(INTERVALS)
    .filter(([name]) => summary.intervals[name])
    .map(([name, words]) => {
      const { median, low, high, beats } = summary.intervals[name];
      return [
        words,
        `${median.toFixed(0)} ms`,
        `${low.toFixed(0)} – ${high.toFixed(0)}`,
        number(beats),
      ];
    });
  return rows.length ? [table(["interval", "median", "nine in ten", "beats"], rows)] : [];
}

/** Everything that a reader may want to see, in order of time, with a button that goes there. */
function places(record, strip) {
  const found = [
    ...record.episodes.map((one) => ({ ...one, told: one.detail })),
    ...record.irregular.map((one) => ({ ...one, kind: "irregular rhythm", told: "" })),
    ...record.unusable.map((one) => ({ ...one, kind: "cannot be used", told: one.reason })),
  ].sort((a, b) => a.start_s - b.start_s);
  if (!found.length) return h("p.note", {}, "None.");
  const rows = found.slice(0, MOST_ROWS).map((one) => [
    h(
      "button.link",
      {
        type: "button",
        "aria-label": `Show ${one.kind} at ${clock(one.start_s)}`,
        onclick: () => show(strip, one),
      },
      clock(one.start_s),
    ),
    one.kind,
    one.told,
    duration(one.end_s - one.start_s),
  ]);
  const more = found.length - rows.length;
  return h(
    "div.places",
    {},
    table(["begins", "kind", "detail", "lasts"], rows, {
      words: 3,
      label: "Episodes and stretches",
    }),
    more > 0
      ? h("p.note", {}, `${plural(more, "later one")} are in the full report's tables.`)
      : null,
  );
}

function show(strip, { start_s: start, end_s: end }) {
  strip.centre((start + end) / 2, end - start);
  strip.element.scrollIntoView({ block: "nearest" });
}
