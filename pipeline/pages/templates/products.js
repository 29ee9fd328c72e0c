// The review's list with its forest plot, a row's parts, and two products beside each other.
const percent = (share, digits = 2) => (share === null ? "-" : `${(100 * share).toFixed(digits)}%`);
const times = (factor) => (factor === null ? "-" : `${factor.toFixed(2)} x`);
const usd = (amount) => (amount === null ? "-" : amount.toFixed(0));
const verdictOf = (row) => say("verdict." + cell("verdict", row).replaceAll(" ", "_"));
const picked = [];

// one scale for all: what most intervals reach, so that one wild product does not squeeze the others
const highs = [...LIST.columns.rate_high].sort((a, b) => a - b);
const TOP = Math.max(DATA.limit * 1.5, 1.1 * Math.max(...LIST.columns.rate), highs[Math.floor(highs.length * 0.95)] || 0);
const SCALE = 200;

function forest(row) {
  const x = (share) => (Math.min(share, TOP) / TOP) * SCALE;
  const low = x(cell("rate_low", row)), high = x(cell("rate_high", row)), at = x(cell("rate", row)), limit = x(DATA.limit);
  return drawn("svg", { viewBox: `0 0 ${SCALE} 20`, class: "forest", preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("line", { x1: 0, x2: SCALE, y1: 10, y2: 10, class: "grid" }),
    drawn("line", { x1: limit, x2: limit, y1: 1, y2: 19, class: "limit" }),
    drawn("line", { x1: low, x2: high, y1: 10, y2: 10, class: "range" }),
    drawn("rect", { x: at - 1.5, y: 4, width: 3, height: 12, class: "dot" }));
}

function rowOf(row) {
  const product = cell("product_id", row);
  const pick = el("input", { type: "checkbox", checked: picked.includes(row), "data-pick": row,
    "aria-label": say("product.pick_one", { product }), onchange: () => choosePick(row) });
  const range = `${percent(cell("rate_low", row))} - ${percent(cell("rate_high", row))}`;
  return el("tr", { role: "row", id: "row-" + row },
    el("td", { role: "cell", class: "whole" }, openButton(row, product), el("span", { class: "title" }, cell("category", row))),
    field("verdict", el("span", { class: cell("verdict", row) === "keep" ? "" : "bad" }, verdictOf(row))),
    number("disputes", `${cell("count_disputes", row)} / ${cell("count_orders", row)}`),
    number("rate", percent(cell("rate", row))),
    el("td", { role: "cell", class: "whole" }, forest(row), el("span", { class: "title" }, range)),
    number("over", percent(cell("chance_over_limit", row), 0)),
    number("own_part", times(cell("product_x", row))),
    number("lane_part", times(cell("lane_x", row))),
    number("loss", usd(cell("loss_per_100_units_usd", row))),
    field("pick", pick));
}

function detailOf(row) {
  const facts = [
    cell("note", row), `${say("product.supplier_id")}: ${cell("supplier_id", row) || "-"}`,
    `${say("product.trend")}: ${cell("trend", row) ? say("trend." + cell("trend", row)) : "-"}`,
    `${say("product.parts_are")}: ${say("product.own_part")} ${times(cell("product_x", row))}, ${say("product.lane_part")} `
    + `${times(cell("lane_x", row))}, ${say("product.buyers_part")} ${times(cell("buyers_x", row))}, `
    + `${say("product.supplier_part")} ${times(cell("supplier_x", row))}, ${say("product.category_part")} ${times(cell("category_x", row))}`,
    `${say("product.loss")}: ${usd(cell("loss_per_100_units_usd", row))} USD`,
    cell("margin_per_100_units_usd", row) === null ? null
      : `${say("product.margin")}: ${usd(cell("margin_per_100_units_usd", row))} USD`,
  ].filter(Boolean);
  return detailRow(row, el("p", {}, cell("why", row)), el("ul", { class: "soft" }, ...facts.map((text) => el("li", {}, text))));
}

// the last two that were picked
function choosePick(row) {
  const place = picked.indexOf(row);
  if (place >= 0) picked.splice(place, 1);
  else picked.push(row);
  while (picked.length > 2) {
    const box = document.querySelector(`[data-pick="${picked.shift()}"]`);
    if (box) box.checked = false;
  }
  showCompared();
}

// the chance that a rate Beta(a, b) is below another: the first's density times how much of the other is above it
function chanceBelow([a, b], [c, d]) {
  const steps = 4000, logs = (p, q) => (x) => (p - 1) * Math.log(x) + (q - 1) * Math.log1p(-x);
  const first = logs(a, b), other = logs(c, d), rates = [], one = [], two = [];
  const top = Math.min(1, 1.5 * Math.max(a / (a + b), c / (c + d)) + 12 * Math.sqrt(1 / Math.min(a + b, c + d)));
  for (let step = 0; step < steps; step += 1) rates.push(((step + 0.5) / steps) * top);
  for (const rate of rates) { one.push(first(rate)); two.push(other(rate)); }
  const most = Math.max(...one), mostOther = Math.max(...two);
  let passed = 0, both = 0, all = 0;
  const total = two.reduce((sum, value) => sum + Math.exp(value - mostOther), 0);
  for (let step = 0; step < steps; step += 1) {
    const own = Math.exp(one[step] - most), its = Math.exp(two[step] - mostOther);
    both += own * (total - passed - its / 2);
    passed += its;
    all += own;
  }
  return both / (all * total);
}

function showCompared() {
  const place = document.getElementById("compared");
  if (picked.length < 2) { place.replaceChildren(el("p", {}, say("product.pick_two", { count: picked.length }))); return; }
  const [one, two] = picked, name = (row) => cell("product_id", row);
  const chance = chanceBelow(LIST.shapes[one], LIST.shapes[two]);
  const columns = [["rate", (row) => `${percent(cell("rate", row))} (${percent(cell("rate_low", row))} - ${percent(cell("rate_high", row))})`],
    ["disputes", (row) => `${cell("count_disputes", row)} / ${cell("count_orders", row)}`], ["own_part", (row) => times(cell("product_x", row))],
    ["lane_part", (row) => times(cell("lane_x", row))], ["loss", (row) => usd(cell("loss_per_100_units_usd", row))], ["verdict", verdictOf]];
  const head = el("tr", {}, el("th", { scope: "col" }, say("product.name")), ...picked.map((row) => el("th", { scope: "col" }, name(row))));
  const lines = columns.map(([key, tell]) =>
    el("tr", {}, el("th", { scope: "row" }, say("product." + key)), ...picked.map((row) => el("td", {}, tell(row)))));
  place.replaceChildren(
    el("p", {}, el("strong", {}, say("product.chance", { one: name(one), two: name(two), chance: percent(chance, 0) }))),
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...lines)));
}

startLanguage();
startView(() => { asked.sort = VIEW.sort; show(); });
document.getElementById("sort").addEventListener("change", (event) => { asked.sort = event.target.value; show(); });
whenLanguageChanges.push(showCompared);
showCompared();
startWide();
startCharts();
