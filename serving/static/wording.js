/** How numbers and lengths of time are written. */

const GROUPED = new Intl.NumberFormat("en-US");
export const UNKNOWN = "–";

/** 12345 -> "12,345" */
export function number(value) {
  return GROUPED.format(value);
}

/** "1 beat", "12,345 beats" */
export function plural(count, word) {
  return `${number(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** A share of 1 with so many decimals that neither a small one is 0 nor a large one all. */
export function percent(share) {
  if (!isKnown(share)) return UNKNOWN;
  if (share === 0 || share === 1) return `${100 * share} %`;
  const rest = Math.min(share, 1 - share);
  const decimals = rest >= 0.001 ? 1 : rest >= 0.0001 ? 2 : 3;
  const text = (100 * share).toFixed(decimals);
  return rest < 0.000005 ? (share < 0.5 ? "< 0.001 %" : "> 99.999 %") : `${text} %`;
}

/** A length of time in words: "30 min 6 s". */
export function duration(seconds) {
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const parts = [
    [hours, "h"],
    [Math.floor((whole % 3600) / 60), "min"],
    [hours ? 0 : whole % 60, "s"],
  ];
  return parts
    .filter(([value]) => value)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** A place in a recording: "1:02:05.3"; hours only where there are any. */
export function clock(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const ticks = Math.floor(seconds * scale + 1e-6);
  const whole = Math.floor(ticks / scale);
  const pad = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const part = decimals ? `.${String(ticks % scale).padStart(decimals, "0")}` : "";
  return `${hours ? `${hours}:${pad(minutes)}` : minutes}:${pad(whole % 60)}${part}`;
}

/** A number of bytes: "12.3 MB". */
export function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

/** A note with a full stop, and a capital letter unless it begins with the name of a file. */
export function sentence(text) {
  const begin = /^[a-z]+[ ,;:]/.test(text) ? text.charAt(0).toUpperCase() : text.charAt(0);
  return begin + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

/** "a, b and c" */
export function list(words) {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

export function isKnown(value) {
  return typeof value === "number" && Number.isFinite(value);
}
