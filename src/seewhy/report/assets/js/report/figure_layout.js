// Where everything in a figure lies, in centimetres: as in seewhy/report/figure/geometry.py, whose numbers these are.

export const GAP = 0.14;
export const TEXT_GAP = 0.06;
export const TITLE_LINE = 0.36;
export const LINE = 0.31;
export const LEAST_WIDTH = 1.45;
export const LEAST_HEIGHT = 0.95;
export const TALLEST = 0.55;
export const BAR_HEIGHT = 0.17;
export const BAR_WIDEST = 7;
export const BAR_ABOVE = 0.16;
export const MARGIN = 0.04;

/** @typedef {{left: number, top: number, width: number, height: number}} Box */
/** @typedef {{picture: Box, middle: number, textTop: number, textWidth: number}} Cell */

/**
 * Places of panels one after another, as many beside each other as can be read.
 * @param {number[]} aspects width by height of each
 * @param {number} lines of text below each
 * @param {number} width of the figure
 * @returns {{cells: Cell[], bottom: number}}
 */
export function flow(aspects, lines, width) {
  const inner = width - 2 * MARGIN;
  const most = mostColumns(aspects, inner);
  const length = Math.ceil(aspects.length / Math.ceil(aspects.length / most));
  const least = Math.min(LEAST_WIDTH, (inner - GAP * (length - 1)) / length);
  const rows = inRows(aspects, length);
  const heights = rows.map((row) => lineHeight(row, inner, least));
  const tall = Math.min(TALLEST * width, ...heights);
  const step = tall + TEXT_GAP + TITLE_LINE + (lines - 1) * LINE + GAP;
  const widths = rows.map((row) => row.map((aspect) => Math.max(tall * aspect, least)));
  const widest = Math.max(...widths.map((row) => sum(row) + GAP * (row.length - 1)));
  const cells = rows.flatMap((row, r) => {
    let left = MARGIN + (inner - widest) / 2;
    const top = MARGIN + r * step;
    return row.map((aspect, i) => {
      const wide = widths[r][i];
      const across = tall * aspect;
      const picture = { left: left + (wide - across) / 2, top, width: across, height: tall };
      const middle = left + wide / 2;
      left += wide + GAP;
      return { picture, middle, textTop: top + tall + TEXT_GAP, textWidth: wide + GAP * 0.6 };
    });
  });
  return { cells, bottom: MARGIN + rows.length * step - GAP };
}

/**
 * How many panels beside each other are still large enough to be read.
 * @param {number[]} aspects
 * @param {number} inner
 */
function mostColumns(aspects, inner) {
  const cell = Math.max(LEAST_WIDTH, (LEAST_HEIGHT * sum(aspects)) / aspects.length);
  return Math.max(1, Math.floor((inner + GAP) / (cell + GAP)));
}

/**
 * The height at which panels beside each other, none narrower than `least`, fill a line.
 * @param {number[]} aspects
 * @param {number} inner
 * @param {number} least
 */
function lineHeight(aspects, inner, least) {
  const room = inner - GAP * (aspects.length - 1);
  let free = aspects;
  while (free.length) {
    const tall = (room - least * (aspects.length - free.length)) / sum(free);
    const wide = free.filter((aspect) => aspect * tall >= least);
    if (wide.length === free.length) return tall;
    free = wide;
  }
  return Infinity;
}

/**
 * @param {number[]} list
 * @param {number} length
 */
function inRows(list, length) {
  const count = Math.ceil(list.length / length);
  return Array.from({ length: count }, (_, r) => list.slice(r * length, (r + 1) * length));
}

/** @param {number[]} values */
const sum = (values) => values.reduce((total, value) => total + value, 0);
