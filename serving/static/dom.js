/** Building elements. Text is always set as text, so nothing that a file says becomes markup. */

/**
 * Make an element.
 * @param {string} tag its name, with classes after dots: "p.note".
 * @param {object} props properties; keys with a dash or "role" become attributes, "on..." listeners.
 * @param {...(Node|string|number|null|Array)} children null is left out.
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) set(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key.includes("-") || key === "role") element.setAttribute(key, value);
  else element[key] = value;
}

/** The element with this id, which index.html has. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * A table that scrolls sideways where it must.
 * @param {string[]} headers if all are empty, there is no row of headers.
 * @param {(Node|string)[][]} rows
 * @param {{words?: number, label?: string}} options so many columns from the left hold words, not
 *   numbers; what screen readers call it.
 */
export function table(headers, rows, { words = 1, label = null } = {}) {
  const kind = (place) => (place < words ? "text" : "");
  return h(
    "div.scroll",
    { tabIndex: 0, role: "group", "aria-label": label ?? headers.join(", ") },
    h(
      "table",
      {},
      headers.some(Boolean)
        ? h(
            "thead",
            {},
            h(
              "tr",
              {},
              headers.map((text, i) => h("th", { scope: "col", className: kind(i) }, text)),
            ),
          )
        : null,
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((cell, i) => h("td", { className: kind(i) }, cell)),
          ),
        ),
      ),
    ),
  );
}
