// What stands in the payload is data: it enters the document as text, never as markup.
const data = JSON.parse(document.getElementById("payload").textContent);
const byId = (id) => document.getElementById(id);
const state = { view: 0, sort: null, rising: false, hidden: new Set(), lines: null };

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    // A style attribute is what the page's policy forbids; the same through the object model is not.
    if (key === "hue") made.style[value[0]] = value[1];
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const view = () => data.views[state.view];
const cellsOf = (column) => view().cells.filter((cell) => cell.column === column);
const methodsOf = () => [...new Set(view().cells.map((cell) => cell.method))];
const isModel = (method) => method === "(model)";

function number(value, column) {
  if (value == null) return "–";
  const scaled = value * column.scale;
  if (column.scale === 100) return scaled.toFixed(1);
  if (Number.isInteger(scaled)) return scaled.toLocaleString("en");
  if (Math.abs(scaled) < 1) return scaled.toFixed(3);
  if (Math.abs(scaled) >= 1000) return Math.round(scaled).toLocaleString("en");
  return String(Number(scaled.toPrecision(3)));
}
const interval = (cell, column) => `${number(cell.low, column)} to ${number(cell.high, column)}`;
const unit = (column) => (column.scale === 100 ? "%" : column.unit);
const arrow = (column) => (column.better == null ? "" : column.better ? " ↑" : " ↓");
const settings = (metric) => (metric.includes("(") ? metric.slice(metric.indexOf("(")) : "");
const title = (column) => `${column.name}${settings(column.metric)}`;

// Hues apart from each other for as many methods as there are; the reference wears ink.
function hue(method) {
  const methods = Object.keys(data.methods);
  if (method === data.reference) return "var(--ink)";
  const at = Math.max(0, methods.indexOf(method));
  const turn = Math.round((at * 137.508) % 360);
  return `light-dark(hsl(${turn} 65% 38%), hsl(${turn} 65% 66%))`;
}

function bestOf(column) {
  const known = cellsOf(column).filter((cell) => cell.value != null && !isModel(cell.method));
  if (data.columns[column].better == null || known.length < 2) return null;
  const values = known.map((cell) => cell.value);
  return data.columns[column].better ? Math.max(...values) : Math.min(...values);
}

function told(cell, column) {
  const lines = [column.summary, `${cell.samples} samples, ${cell.values} values`];
  lines.push(`95 % interval ${interval(cell, column)} ${unit(column)}`);
  if (cell.apart) {
    const [value, low, high] = cell.apart.map((end) => number(end, column));
    lines.push(`difference to ${data.reference}: ${value} (${low} to ${high})`);
  }
  return lines.filter(Boolean).join("\n");
}

// --- the table -------------------------------------------------------------------------------

const shownColumns = () =>
  data.columns
    .map((_, at) => at)
    .filter((at) => !state.hidden.has(data.columns[at].metric) && cellsOf(at).length);

function sorted(methods) {
  if (state.sort == null) return methods;
  const values = new Map(cellsOf(state.sort).map((cell) => [cell.method, cell.value]));
  const sign = state.rising ? 1 : -1;
  return [...methods].sort((a, b) => {
    const [x, y] = [values.get(a), values.get(b)];
    if (x == null || y == null) return (x == null) - (y == null);
    return sign * (x - y);
  });
}

function sortBy(at) {
  const column = data.columns[at];
  if (state.sort === at) state.rising = !state.rising;
  else [state.sort, state.rising] = [at, column.better === false];
  drawTable();
  byId("table").querySelector(`button[data-column="${at}"]`)?.focus();
  byId("live").textContent = `Sorted by ${title(column)}, ${state.rising ? "rising" : "falling"}.`;
}

function head(at) {
  const column = data.columns[at];
  const order = state.sort !== at ? "none" : state.rising ? "ascending" : "descending";
  const press = element("button", { type: "button", "data-column": at }, `${column.name}${arrow(column)}`);
  press.addEventListener("click", () => sortBy(at));
  const small = element("small", {}, [settings(column.metric), unit(column)].filter(Boolean).join(" "));
  return element("th", { scope: "col", "aria-sort": order, title: column.summary }, press, small);
}

function entry(cell, at) {
  if (!cell) return element("td", {}, "");
  const column = data.columns[at];
  const value = number(cell.value, column);
  const top = cell.value != null && cell.value === bestOf(at);
  return element(
    "td",
    { title: told(cell, column) },
    top ? element("b", {}, value) : value,
    cell.significant ? element("span", { class: "star", "aria-label": " differs from the reference" }, "*") : null,
    element("small", {}, interval(cell, column)),
  );
}

function drawTable() {
  const columns = shownColumns();
  const table = byId("table");
  const corner = element("th", { scope: "col" }, "method");
  table.tHead.replaceChildren(element("tr", {}, corner, ...columns.map(head)));
  const rows = sorted(methodsOf()).map((method) => {
    const own = new Map(view().cells.filter((c) => c.method === method).map((c) => [c.column, c]));
    return element(
      "tr",
      { class: method === data.reference ? "reference" : null },
      element("th", { scope: "row", title: data.methods[method] }, method),
      ...columns.map((at) => entry(own.get(at), at)),
    );
  });
  table.tBodies[0].replaceChildren(...rows);
}

function drawMetrics() {
  const metrics = [...new Set(data.columns.map((column) => column.metric))];
  byId("metrics").replaceChildren(
    ...metrics.map((metric) => {
      const press = element("button", { type: "button", "aria-pressed": !state.hidden.has(metric) ? "true" : "false" }, metric);
      press.addEventListener("click", () => {
        if (!state.hidden.delete(metric)) state.hidden.add(metric);
        press.setAttribute("aria-pressed", state.hidden.has(metric) ? "false" : "true");
        drawTable();
      });
      return press;
    }),
  );
}

// --- plots -----------------------------------------------------------------------------------

const BOX = { left: 56, right: 24, top: 12, bottom: 44 };

function ticks(low, high, count = 5) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((part) => part * power >= raw);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

function decades(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const part of [1, 2, 5]) found.push(part * 10 ** power);
  }
  const inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  return inside.length > 8 ? inside.filter((value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6)) : inside;
}

function axes(width, height, x, y, xTicks, yTicks, xName, yName, xText, yText) {
  const parts = [];
  for (const at of xTicks) {
    parts.push(shape("line", { class: "grid", x1: x(at), x2: x(at), y1: BOX.top, y2: height - BOX.bottom }));
    parts.push(shape("text", { x: x(at), y: height - BOX.bottom + 16, "text-anchor": "middle" }, xText(at)));
  }
  for (const at of yTicks) {
    parts.push(shape("line", { class: "grid", x1: BOX.left, x2: width - BOX.right, y1: y(at), y2: y(at) }));
    parts.push(shape("text", { x: BOX.left - 8, y: y(at) + 4, "text-anchor": "end" }, yText(at)));
  }
  parts.push(shape("text", { x: (BOX.left + width - BOX.right) / 2, y: height - 6, "text-anchor": "middle" }, xName));
  parts.push(shape("text", { x: 12, y: (BOX.top + height - BOX.bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(BOX.top + height - BOX.bottom) / 2})` }, yName));
  return parts;
}

function drawTrade() {
  const [yAt, xAt] = [Number(byId("quality").value), byId("cost").value === "" ? -1 : Number(byId("cost").value)];
  const place = byId("trade");
  const [yColumn, xColumn] = [data.columns[yAt], data.columns[xAt]];
  const costs = xColumn ? new Map(cellsOf(xAt).map((cell) => [cell.method, cell])) : new Map();
  const points = (yColumn ? cellsOf(yAt) : [])
    .map((cell) => ({ cell, cost: costs.get(cell.method) }))
    .filter(({ cell, cost }) => cell.value != null && cost?.value > 0);
  if (points.length < 2) {
    place.replaceChildren(element("p", { class: "lede" }, "No two methods have both a quality and a cost here."));
    return;
  }
  const [width, height] = [900, 430];
  const xs = points.map(({ cost }) => cost.value * xColumn.scale);
  const [xLow, xHigh] = [Math.min(...xs) / 1.3, Math.max(...xs) * 1.9];
  const ends = points.flatMap(({ cell }) => [cell.low ?? cell.value, cell.high ?? cell.value]).map((v) => v * yColumn.scale);
  const pad = (Math.max(...ends) - Math.min(...ends)) * 0.06 || 1;
  const [yLow, yHigh] = [Math.min(...ends) - pad, Math.max(...ends) + pad];
  const x = (value) => BOX.left + ((Math.log(value) - Math.log(xLow)) / (Math.log(xHigh) - Math.log(xLow))) * (width - BOX.left - BOX.right);
  const y = (value) => height - BOX.bottom - ((value - yLow) / (yHigh - yLow)) * (height - BOX.top - BOX.bottom);
  const text = (value) => String(Number(value.toPrecision(3)));
  const drawn = axes(width, height, x, y, decades(xLow, xHigh), ticks(yLow, yHigh), `${title(xColumn)} (${unit(xColumn)}, logarithmic)`, `${title(yColumn)} (${unit(yColumn)})`, text, text);
  const taken = [];
  for (const { cell, cost } of [...points].sort((a, b) => b.cell.value - a.cell.value)) {
    const [px, py] = [x(cost.value * xColumn.scale), y(cell.value * yColumn.scale)];
    const colour = hue(cell.method);
    drawn.push(shape("line", { class: "whisker", x1: px, x2: px, y1: y((cell.low ?? cell.value) * yColumn.scale), y2: y((cell.high ?? cell.value) * yColumn.scale), hue: ["stroke", colour] }));
    const dot = shape("circle", { cx: px, cy: py, r: 5, hue: ["fill", colour] });
    dot.append(shape("title", {}, `${cell.method}\n${told(cell, yColumn)}\n${title(xColumn)}: ${number(cost.value, xColumn)} ${unit(xColumn)}`));
    drawn.push(dot);
    // Names move down until they cover none that stands already.
    let line = py + 4;
    while (taken.some(([ox, oy]) => Math.abs(ox - px) < 120 && Math.abs(oy - line) < 13)) line += 13;
    taken.push([px, line]);
    const beyond = px + 9 + 7.5 * cell.method.length > width;  // a name that would be cut off stands before its dot
    const side = beyond ? { x: px - 9, "text-anchor": "end" } : { x: px + 9 };
    drawn.push(shape("text", { class: "name", y: line, ...side }, cell.method));
  }
  const name = `${title(yColumn)} against ${title(xColumn)} of ${points.length} methods; the numbers stand in the table.`;
  place.replaceChildren(shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name }, ...drawn));
}

function drawCurves() {
  const curves = view().curves;
  byId("curves-part").hidden = !curves.length;
  const methods = [...new Set(curves.flatMap((curve) => curve.lines.map((line) => line.method)))];
  state.lines ??= new Set(startingLines(methods));
  byId("drawn").replaceChildren(
    ...methods.map((method) => {
      const on = state.lines.has(method);
      const press = element("button", { type: "button", "aria-pressed": String(on) }, method);
      press.style.setProperty("--hue", hue(method));
      press.addEventListener("click", () => {
        if (!state.lines.delete(method)) state.lines.add(method);
        drawCurves();
        [...byId("drawn").children][methods.indexOf(method)]?.focus();
      });
      return press;
    }),
  );
  byId("curves").replaceChildren(...curves.map(curveFigure));
}

// The reference, the controls and the first methods: more at once tell nothing apart.
function startingLines(methods) {
  const first = methods.filter((m) => m === data.reference || m === "random" || isModel(m));
  return [...first, ...methods.filter((m) => !first.includes(m)).slice(-4)];
}

function curveFigure(curve) {
  const [width, height] = [460, 300];
  const lines = curve.lines.filter((line) => state.lines.has(line.method));
  const all = lines.flatMap((line) => line.points);
  const xs = all.map((point) => point[0]);
  const ys = all.flatMap((point) => [point[2] ?? point[1], point[3] ?? point[1]]).filter((v) => v != null);
  const [xLow, xHigh] = [Math.min(0, ...xs), Math.max(...xs, 0.01)];
  const [yLow, yHigh] = [Math.min(0, ...ys), Math.max(...ys, 0.01)];
  const x = (value) => BOX.left + ((value - xLow) / (xHigh - xLow)) * (width - BOX.left - BOX.right);
  const y = (value) => height - BOX.bottom - ((value - yLow) / (yHigh - yLow)) * (height - BOX.top - BOX.bottom);
  const text = (value) => String(Number(value.toPrecision(3)));
  const drawn = axes(width, height, x, y, ticks(xLow, xHigh), ticks(yLow, yHigh), curve.name.includes("curve") ? "share of the picture or context" : "at", "", text, text);
  for (const line of lines) {
    const points = line.points.filter((point) => point[1] != null);
    const colour = hue(line.method);
    const up = points.map((point) => `${x(point[0])},${y(point[3] ?? point[1])}`);
    const down = points.map((point) => `${x(point[0])},${y(point[2] ?? point[1])}`).reverse();
    drawn.push(shape("polygon", { class: "band", points: [...up, ...down].join(" "), hue: ["fill", colour] }));
    const path = shape("polyline", { class: "line", points: points.map((p) => `${x(p[0])},${y(p[1])}`).join(" "), hue: ["stroke", colour] });
    path.append(shape("title", {}, line.method));
    drawn.push(path);
  }
  const label = `${curve.name} of ${lines.map((line) => line.method).join(", ")}`;
  const plot = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...drawn);
  return element("figure", {}, element("figcaption", {}, `${curve.name}${settings(curve.metric)}`), plot);
}

// --- breakdown, cases, reasons ---------------------------------------------------------------

function options(select, pairs, chosen) {
  const kept = pairs.some(([value]) => String(value) === select.value) ? select.value : String(chosen ?? pairs[0]?.[0] ?? "");
  select.replaceChildren(...pairs.map(([value, text]) => element("option", { value, selected: String(value) === kept }, text)));
  select.value = kept;
}

function drawGroups() {
  const parts = view().breakdown;
  byId("groups-part").hidden = !parts.length;
  if (!parts.length) return;
  const figures = [...new Set(parts.map((cell) => cell.column))];
  options(byId("figure"), figures.map((at) => [at, title(data.columns[at])]));
  const column = Number(byId("figure").value);
  const own = parts.filter((cell) => cell.column === column);
  const kindOf = (cell) => cell.group.slice(0, cell.group.indexOf(":"));
  options(byId("kind"), [...new Set(own.map(kindOf))].map((kind) => [kind, kind]));
  const kind = byId("kind").value;
  const those = own.filter((cell) => kindOf(cell) === kind);
  const groups = [...new Set(those.map((cell) => cell.group))].sort();
  const methods = methodsOf().filter((method) => those.some((cell) => cell.method === method));
  const heads = groups.map((group) => element("th", { scope: "col" }, group.slice(group.indexOf(":") + 1).trim()));
  const rows = methods.map((method) =>
    element(
      "tr",
      { class: method === data.reference ? "reference" : null },
      element("th", { scope: "row" }, method),
      ...groups.map((group) => {
        const cell = those.find((one) => one.method === method && one.group === group);
        if (!cell) return element("td", {}, "");
        const star = cell.significant ? element("span", { class: "star" }, "*") : null;
        return element("td", { title: told(cell, data.columns[column]) }, number(cell.value, data.columns[column]), star, element("small", {}, interval(cell, data.columns[column])));
      }),
    ),
  );
  byId("groups").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "method"), ...heads)),
    element("tbody", {}, ...rows),
  );
}

const KINDS = { best: "Among the best", worst: "Among the worst", disputed: "Most disputed" };

function drawCases() {
  const cases = view().cases;
  byId("cases-part").hidden = !cases.length;
  if (!cases.length) return;
  byId("cases-lede").textContent = `Chosen by ${cases[0].figure}: best and worst of the method that leads in it, and where methods differ most.`;
  byId("cases").replaceChildren(...cases.map(caseFigure));
}

function caseFigure(one) {
  const link = one.report ? element("a", { href: one.report }, "full report") : null;
  const tile = (tile) => {
    const score = tile.score == null ? null : element("b", {}, ` ${Number(tile.score.toPrecision(3))}`);
    const shown = tile.picture
      ? element("img", { src: tile.picture, alt: `Map of “${one.word}” by ${tile.method}`, loading: "lazy" })
      : element("p", {}, tile.why ?? "");
    return element("figure", {}, shown, element("figcaption", {}, tile.method, score));
  };
  const original = element("figure", {}, element("img", { src: one.picture, alt: "The picture", loading: "lazy" }), element("figcaption", {}, "the picture"));
  return element(
    "article",
    { class: "case" },
    element("h3", {}, `${KINDS[one.kind]}: ${one.sample}, `, element("mark", {}, one.word)),
    element("p", {}, `“${one.answer}” `, link),
    element("div", { class: "tiles" }, original, ...one.tiles.map(tile)),
  );
}

function drawReasons() {
  byId("reasons-part").hidden = !data.reasons.length;
  const heads = ["what", "where", "why", "how often", "for example"];
  byId("reasons").replaceChildren(
    element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
    element(
      "tbody",
      {},
      ...data.reasons.map((one) =>
        element("tr", {}, element("th", { scope: "row" }, one.what), element("td", { class: "text" }, one.where), element("td", { class: "text" }, `${one.status}: ${one.reason}`), element("td", {}, String(one.count)), element("td", { class: "text" }, one.example)),
      ),
    ),
  );
}

function drawMade() {
  const { versions = {}, ...made } = data.made;
  const versionText = Object.entries(versions).map(([name, value]) => `${name} ${value}`).join(", ");
  const rows = [...Object.entries(made), ["versions", versionText], ...Object.entries(data.settings), ["reference", data.reference]];
  byId("made").replaceChildren(
    ...rows.filter(([, value]) => value !== "").flatMap(([name, value]) => [element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, String(value))]),
  );
}

// --- the whole -------------------------------------------------------------------------------

const COSTS = ["seconds-ratio", "seconds", "forward-ratio", "forward"];

function draw() {
  const { model, data: source, samples } = view();
  byId("origin").textContent = `${model} on ${source}`;
  byId("lede").textContent = `${samples} samples. Under each figure its 95 % interval: a bootstrap over samples, the same drawings for every method.`;
  const measured = data.columns.map((_, at) => at).filter((at) => cellsOf(at).length > 1);
  const isCost = (at) => data.columns[at].metric.startsWith("cost");
  const pairs = (those) => those.map((at) => [at, title(data.columns[at])]);
  const costs = measured.filter(isCost);
  options(byId("quality"), pairs(measured.filter((at) => !isCost(at))));
  options(byId("cost"), pairs(costs), COSTS.map((name) => costs.find((at) => data.columns[at].name === name)).find((at) => at != null));
  drawTable();
  drawTrade();
  drawCurves();
  drawGroups();
  drawCases();
}

function choose(at, focus) {
  state.view = at;
  [...byId("views").children].forEach((button, index) => {
    button.setAttribute("aria-checked", String(index === at));
    button.tabIndex = index === at ? 0 : -1;
    if (index === at && focus) button.focus();
  });
  draw();
}

byId("views").replaceChildren(
  ...data.views.map((one, at) => {
    const several = new Set(data.views.map((other) => other.data)).size > 1;
    const press = element("button", { type: "button", role: "radio" }, several ? `${one.model}, ${one.data}` : one.model);
    press.addEventListener("click", () => choose(at));
    press.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      choose((at + step + data.views.length) % data.views.length, true);
    });
    return press;
  }),
);

const scheme = matchMedia("(prefers-color-scheme: dark)");
byId("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme || (scheme.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("seewhy-theme", next); } catch { /* a page without storage forgets */ }
});
try {
  const theme = localStorage.getItem("seewhy-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* nothing was kept */ }

for (const id of ["quality", "cost"]) byId(id).addEventListener("change", drawTrade);
for (const id of ["figure", "kind"]) byId(id).addEventListener("change", drawGroups);
drawMetrics();
drawReasons();
drawMade();
if (data.views.length) choose(0);
document.documentElement.dataset.ready = "";
