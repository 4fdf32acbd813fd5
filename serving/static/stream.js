/**
 * Sends files to the service and reads its answer line by line while it arrives.
 *
 * XMLHttpRequest is used since `fetch` does not tell how much has been sent.
 */

import { sentence } from "./wording.js";

// The answer so far is looked at so often: each look copies it in some browsers.
const LOOK_MS = 200;

/** The analysis failed, in a sentence for the reader. */
export class AnalysisError extends Error {}

/**
 * Send files for analysis.
 * @param {string} address where to, with its query.
 * @param {File[]} files what to send.
 * @param {(sent: number, total: number) => void} onSent told in bytes.
 * @param {(line: object) => void} onLine given each line of the answer.
 * @returns {{done: Promise<void>, cancel: () => void}} done resolves behind the last line, and is
 *   rejected with an AnalysisError, or with an AbortError after cancel.
 */
export function analyse(address, files, onSent, onLine) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    const reader = new LineReader(onLine);
    const fail = (error) => {
      request.abort();
      reject(error);
    };
    const read = (isWhole) => {
      if (request.status === 200) reader.read(request.responseText, isWhole);
    };
    let sentAll = false;
    let looked = 0;
    request.upload.onprogress = (event) => onSent(event.loaded, event.total);
    request.upload.onload = () => {
      sentAll = true;
    };
    request.onprogress = () => {
      if (performance.now() - looked < LOOK_MS) return;
      attempt(() => read(false), fail);
      looked = performance.now();
    };
    request.onload = () =>
      attempt(() => {
        if (request.status !== 200) throw new AnalysisError(refusal(request));
        read(true);
        if (!reader.ended)
          throw new AnalysisError("The service stopped before it was done. Send the file again.");
        resolve();
      }, reject);
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onerror = () => reject(new AnalysisError(lost(sentAll)));
    request.open("POST", address);
    request.send(withFiles(files));
  });
  return { done, cancel: () => request.abort() };
}

/** The service's own sentence in an answer that is an error. */
export async function refusalOf(response) {
  return detail(response.status, await response.text());
}

class LineReader {
  constructor(onLine) {
    this.onLine = onLine;
    this.place = 0;
    this.ended = false;
  }

  /** Hand on the whole lines behind those that were read already. */
  read(text, isWhole) {
    let end;
    while ((end = text.indexOf("\n", this.place)) >= 0) {
      this.take(text.slice(this.place, end));
      this.place = end + 1;
    }
    if (isWhole) this.take(text.slice(this.place));
  }

  take(text) {
    if (!text.trim()) return;
    const line = parsed(text);
    if (line.type === "error") throw new AnalysisError(sentence(line.detail));
    this.ended ||= line.type === "end";
    this.onLine(line);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new AnalysisError("The answer broke off in the middle. Send the file again.");
  }
}

function attempt(action, fail) {
  try {
    action();
  } catch (error) {
    fail(error);
  }
}

/** Files as the service takes them. */
export function withFiles(files) {
  const data = new FormData();
  for (const file of files) data.append("files", file, file.name);
  return data;
}

function refusal(request) {
  return detail(request.status, request.responseText);
}

function detail(status, text) {
  try {
    const told = JSON.parse(text).detail;
    if (typeof told === "string") return sentence(told);
  } catch {
    // Not from the service itself, e.g. from a proxy before it: the status must do.
  }
  return `The service refused with status ${status}.`;
}

function lost(sentAll) {
  return sentAll
    ? "The connection to the service was lost before it was done. Is it still running?"
    : "The files could not be sent: the service is not reached, or closed the connection because they " +
        "are too large. Is it still running?";
}
