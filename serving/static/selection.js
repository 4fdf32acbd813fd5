/** Which beats are shown, and in which order: arrays of beat numbers, fast at 100,000 beats. */

/** Shows every beat; `classes` is null or a Set of predicted labels. */
export const EVERYTHING = Object.freeze({
  classes: null,
  trueLabel: null,
  uncertain: false,
  outOfDistribution: false,
  unknown: false,
  wrong: false,
  lowest: 0,
  highest: 1,
});

/**
 * The beats that pass a filter, in the order of the file.
 * @param {import("./results.js").Results} results
 * @param {typeof EVERYTHING} filter
 * @returns {Uint32Array}
 */
export function chosen(results, filter) {
  const passed = new Uint32Array(results.count);
  const limits = results.probability && (filter.lowest > 0 || filter.highest < 1);
  let count = 0;
  for (let beat = 0; beat < results.count; beat += 1) {
    if (filter.classes && !filter.classes.has(results.predicted[beat])) continue;
    if (filter.trueLabel !== null && results.labels[beat] !== filter.trueLabel) continue;
    if (filter.uncertain && !results.uncertain?.[beat]) continue;
    if (filter.outOfDistribution && !results.outOfDistribution?.[beat]) continue;
    if (filter.unknown && !results.unknown?.[beat]) continue;
    if (filter.wrong && !results.isWrong(beat)) continue;
    if (
      limits &&
      !(results.probability[beat] >= filter.lowest && results.probability[beat] <= filter.highest)
    )
      continue;
    passed[count] = beat;
    count += 1;
  }
  return passed.subarray(0, count);
}

/**
 * Beats in the order of a column, ties as they were; what has no value comes last.
 * @param {Uint32Array} beats
 * @param {ArrayLike<number>} column a value for each beat of the file.
 * @param {boolean} descending
 * @returns {Uint32Array}
 */
export function ordered(beats, column, descending) {
  const keys = sortableKeys(beats, column, descending);
  let order = beats.slice();
  let spareOrder = new Uint32Array(beats.length);
  let sorted = keys;
  let spareKeys = new Uint32Array(keys.length);
  // Two passes of a radix sort, sixteen bits each: stable, and no comparison to call.
  for (const shift of [0, 16]) {
    const starts = startsOf(sorted, shift);
    for (let i = 0; i < sorted.length; i += 1) {
      const place = starts[(sorted[i] >>> shift) & 0xffff]++;
      spareKeys[place] = sorted[i];
      spareOrder[place] = order[i];
    }
    [sorted, spareKeys] = [spareKeys, sorted];
    [order, spareOrder] = [spareOrder, order];
  }
  return order;
}

/** Unsigned integers that are ordered as the floats are: the bits, with the sign turned. */
function sortableKeys(beats, column, descending) {
  const bits = new Uint32Array(Float32Array.from(beats, (beat) => column[beat]).buffer);
  const last = 0xffffffff;
  for (let i = 0; i < bits.length; i += 1) {
    const isMissing = (bits[i] & 0x7fffffff) > 0x7f800000;
    const key = bits[i] & 0x80000000 ? ~bits[i] >>> 0 : (bits[i] | 0x80000000) >>> 0;
    bits[i] = isMissing ? last : descending ? last - key : key;
  }
  return bits;
}

function startsOf(keys, shift) {
  const starts = new Uint32Array(0x10000);
  for (let i = 0; i < keys.length; i += 1) starts[(keys[i] >>> shift) & 0xffff] += 1;
  let sum = 0;
  for (let digit = 0; digit < starts.length; digit += 1) {
    const count = starts[digit];
    starts[digit] = sum;
    sum += count;
  }
  return starts;
}
