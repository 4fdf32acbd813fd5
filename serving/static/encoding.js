/** Arrays as the service sends them: base64 of little-endian numbers. */

/** @returns {Uint8Array} */
export function asBytes(text) {
  const raw = atob(text);
  const array = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) array[i] = raw.charCodeAt(i);
  return array;
}

/** @returns {Float32Array} */
export function asFloats(text) {
  return new Float32Array(asBytes(text).buffer);
}

/** @returns {Int16Array} */
export function asInt16(text) {
  return new Int16Array(asBytes(text).buffer);
}
