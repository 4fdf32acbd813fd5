/** Dragging, pinching and the wheel on one element, by mouse, pen or fingers. */

// A pointer that moved less was a click.
const STILL_PX = 5;
const WHEEL_ZOOM = 0.0015;

/**
 * @param {HTMLElement} element
 * @param {object} told functions: `drag(px)` since the last call, `click(px)` from the left edge,
 *   and where there is zooming `zoom(factor, px)` around a place.
 */
export function follow(element, told) {
  const pointers = new Map();
  let moved = 0;
  element.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event.clientX);
    if (pointers.size === 1) moved = 0;
  });
  element.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = [...pointers.values()];
    const by = event.clientX - pointers.get(event.pointerId);
    pointers.set(event.pointerId, event.clientX);
    moved += Math.abs(by);
    if (pointers.size === 1) told.drag(by);
    else pinch(before, [...pointers.values()]);
  });
  element.addEventListener("pointerup", (event) => {
    if (pointers.delete(event.pointerId) && !pointers.size && moved < STILL_PX)
      told.click(within(event.clientX));
  });
  element.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  element.addEventListener("wheel", onWheel, { passive: false });

  function within(clientX) {
    return clientX - element.getBoundingClientRect().left;
  }

  function pinch(before, after) {
    const apart = ([a, b]) => Math.max(20, Math.abs(a - b));
    told.zoom?.(apart(before) / apart(after), within((after[0] + after[1]) / 2));
  }

  /** Sideways moves; with Ctrl, or a pinch on a touchpad, it zooms; else the page scrolls. */
  function onWheel(event) {
    const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const zooms = told.zoom && event.ctrlKey;
    if (!isSideways && !zooms) return;
    event.preventDefault();
    if (isSideways) told.drag(-event.deltaX);
    else told.zoom(Math.exp(event.deltaY * WHEEL_ZOOM), within(event.clientX));
  }
}
