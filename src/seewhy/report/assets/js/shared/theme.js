// Light or dark: the system's choice until a person or the caller chooses.

/** @typedef {"light" | "dark" | "system"} Theme */

const KEY = "seewhy-theme";

/**
 * Give an element its theme.
 * @param {HTMLElement} root carries the theme as `data-theme`
 * @param {Theme} theme the caller's choice
 * @param {boolean} remember whether a person's choice is kept in the browser's storage
 * @returns {() => void} a function that changes light to dark and dark to light
 */
export function applyTheme(root, theme, remember) {
  const first = (remember ? stored() : null) ?? theme;
  if (first !== "system") root.dataset.theme = first;
  return () => {
    const next = shownTheme(root) === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    if (remember) store(next);
  };
}

/** @param {HTMLElement} root */
function shownTheme(root) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return root.dataset.theme || (dark ? "dark" : "light");
}

/** @returns {Theme | null} */
function stored() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "light" || theme === "dark" ? theme : null;
  } catch {
    return null; // no storage in this frame
  }
}

/** @param {Theme} theme */
function store(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // No storage in this frame: the choice holds until the page is closed.
  }
}
