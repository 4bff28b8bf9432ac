// What has the focus, and what lies at a point, also inside shadow roots: a page may stand in one.

/**
 * The element that has the focus.
 * @returns {Element | null}
 */
export function focusedElement() {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return found;
}

/**
 * The element that is drawn at a point of the window.
 * @param {number} x
 * @param {number} y
 * @returns {Element | null}
 */
export function elementAt(x, y) {
  let found = document.elementFromPoint(x, y);
  for (;;) {
    const inside = found?.shadowRoot?.elementFromPoint(x, y);
    if (!inside || inside === found) return found;
    found = inside;
  }
}
