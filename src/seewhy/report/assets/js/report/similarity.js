// How alike two maps are.

/**
 * Pearson's correlation of two maps, and the intersection over union of their cells above half
 * maximum; null where a number is undefined.
 * @param {number[]} a
 * @param {number[]} b of the same length
 * @returns {{correlation: number | null, overlap: number | null}}
 */
export function similarity(a, b) {
  return { correlation: correlation(a, b), overlap: overlap(aboveHalf(a), aboveHalf(b)) };
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function correlation(a, b) {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    ab += (a[i] - meanA) * (b[i] - meanB);
    aa += (a[i] - meanA) ** 2;
    bb += (b[i] - meanB) ** 2;
  }
  return aa * bb > 0 ? ab / Math.sqrt(aa * bb) : null;
}

/**
 * @param {boolean[]} a
 * @param {boolean[]} b
 */
function overlap(a, b) {
  const both = a.filter((inside, i) => inside && b[i]).length;
  const either = a.filter((inside, i) => inside || b[i]).length;
  return either ? both / either : null;
}

/** @param {number[]} values */
function aboveHalf(values) {
  const half = values.reduce((highest, x) => Math.max(highest, x), 0) / 2;
  return values.map((x) => half > 0 && x >= half);
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;
