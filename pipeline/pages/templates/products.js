// The list of the product review with its forest plot, the detail of a row, and the comparison of two products.
const percent = (share, digits = 2) => (share === null ? "-" : `${(100 * share).toFixed(digits)}%`);
const times = (factor) => (factor === null ? "-" : `${factor.toFixed(2)} x`);
const usd = (amount) => (amount === null ? "-" : amount.toFixed(0));
const verdictOf = (row) => t("verdict." + valueOf("verdict", row));
const rateRange = (row) => `${percent(valueOf("rate_low", row))} - ${percent(valueOf("rate_high", row))}`;
const disputesOf = (row) => `${valueOf("count_disputes", row)} / ${valueOf("count_orders", row)}`;
const pickedRows = [];

// All rows share one scale. It ends where most intervals end, so that one extreme product does not compress the others.
const highs = [...LIST.columns.rate_high].sort((a, b) => a - b);
const TOP = Math.max(DATA.limit * 1.5, 1.1 * Math.max(...LIST.columns.rate), highs[Math.floor(highs.length * 0.95)] || 0);
const SCALE = 200;

// A reason is some sentences, joined by "; ". The numbers in them are found by the patterns of the English texts.
function reasonOf(row) {
  const english = valueOf("why", row) || "";
  const parts = english.split("; ").map((text) => {
    for (const [id, pattern, names] of DATA.reasons) {
      const match = new RegExp(pattern).exec(text);
      if (match) return translate([id, Object.fromEntries(names.map((name, n) => [name, match[n + 1]]))], text);
    }
    return text;
  });
  return parts.join(t("product.between_reasons"));
}

function forest(row) {
  const x = (share) => (Math.min(share, TOP) / TOP) * SCALE;
  const low = x(valueOf("rate_low", row)), high = x(valueOf("rate_high", row));
  const rate = x(valueOf("rate", row)), limit = x(DATA.limit);
  return svg("svg", { viewBox: `0 0 ${SCALE} 20`, class: "forest", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: SCALE, y1: 10, y2: 10, class: "grid" }),
    svg("line", { x1: limit, x2: limit, y1: 1, y2: 19, class: "limit" }),
    svg("line", { x1: low, x2: high, y1: 10, y2: 10, class: "range" }),
    svg("rect", { x: rate - 1.5, y: 4, width: 3, height: 12, class: "dot" }));
}

function buildRow(row) {
  const product = valueOf("product_id", row);
  const checkbox = el("input", { type: "checkbox", checked: pickedRows.includes(row), "data-pick": row,
    "aria-label": t("product.pick_one", { product }), onchange: () => togglePick(row) });
  return el("tr", { role: "row", id: "row-" + row },
    el("td", { role: "cell", class: "whole" }, openButton(row, product), el("span", { class: "title" }, valueOf("category", row))),
    field("product.verdict", el("span", { class: valueOf("verdict", row) === "keep" ? "" : "bad" }, verdictOf(row))),
    numberField("product.disputes", disputesOf(row)),
    numberField("product.rate", percent(valueOf("rate", row))),
    el("td", { role: "cell", class: "whole" }, forest(row), el("span", { class: "title" }, rateRange(row))),
    numberField("product.over", percent(valueOf("chance_over_limit", row), 0)),
    numberField("product.own_factor", times(valueOf("product_x", row))),
    numberField("product.lane_factor", times(valueOf("lane_x", row))),
    numberField("product.loss", usd(valueOf("loss_per_100_units_usd", row))),
    field("product.pick", checkbox));
}

function recentText(row, days) {
  const expected = valueOf(`expected_${days}d`, row);
  return t("product.recent", { days, disputes: valueOf(`count_disputes_${days}d`, row).toFixed(0),
    orders: valueOf(`count_orders_${days}d`, row), expected: expected === null ? "-" : expected.toFixed(1) });
}

function buildDetail(row) {
  const trend = valueOf("trend", row), margin = valueOf("margin_per_100_units_usd", row);
  const factors = [
    ["product.own_factor", "product_x"], ["product.lane_factor", "lane_x"], ["product.buyers_factor", "buyers_x"],
    ["product.supplier_factor", "supplier_x"], ["product.category_factor", "category_x"],
  ].map(([key, column]) => `${t(key)} ${times(valueOf(column, row))}`);
  const facts = [
    valueOf("note", row),
    `${t("product.supplier_id")}: ${valueOf("supplier_id", row) || "-"}`,
    `${t("product.trend")}: ${trend ? t("trend." + trend) : "-"}`,
    recentText(row, 90),
    recentText(row, 30),
    `${t("product.factors_are")}: ${factors.join(", ")}`,
    `${t("product.loss")}: ${usd(valueOf("loss_per_100_units_usd", row))}`,
    margin === null ? null : `${t("product.margin")}: ${usd(margin)} USD`,
  ].filter(Boolean);
  return detailRow(row, el("p", {}, reasonOf(row)), el("ul", { class: "soft" }, ...facts.map((text) => el("li", {}, text))));
}

// keeps the last two products that were picked
function togglePick(row) {
  const position = pickedRows.indexOf(row);
  if (position >= 0) pickedRows.splice(position, 1);
  else pickedRows.push(row);
  while (pickedRows.length > 2) {
    const checkbox = document.querySelector(`[data-pick="${pickedRows.shift()}"]`);
    if (checkbox) checkbox.checked = false;
  }
  showComparison();
}

// The probability that a rate from Beta(a, b) is below a rate from Beta(c, d): the integral of the first density times
// the share of the second above it, by the midpoint rule.
function chanceBelow([a, b], [c, d]) {
  const steps = 4000, logDensity = (p, q) => (x) => (p - 1) * Math.log(x) + (q - 1) * Math.log1p(-x);
  const top = Math.min(1, 1.5 * Math.max(a / (a + b), c / (c + d)) + 12 * Math.sqrt(1 / Math.min(a + b, c + d)));
  const rates = Array.from({ length: steps }, (_, step) => ((step + 0.5) / steps) * top);
  const weights = (log) => {
    const logs = rates.map(log), most = Math.max(...logs);
    return logs.map((value) => Math.exp(value - most));
  };
  const first = weights(logDensity(a, b)), second = weights(logDensity(c, d));
  const total = second.reduce((sum, value) => sum + value, 0);
  let secondBelow = 0, isBelow = 0, firstTotal = 0;
  for (let step = 0; step < steps; step += 1) {
    isBelow += first[step] * (total - secondBelow - second[step] / 2);
    secondBelow += second[step];
    firstTotal += first[step];
  }
  return isBelow / (firstTotal * total);
}

function showComparison() {
  const target = document.getElementById("compared");
  if (pickedRows.length < 2) { target.replaceChildren(el("p", {}, t("product.pick_two", { count: pickedRows.length }))); return; }
  const [one, two] = pickedRows, name = (row) => valueOf("product_id", row);
  const chance = chanceBelow(LIST.shapes[one], LIST.shapes[two]);
  const measures = [
    ["product.rate", (row) => `${percent(valueOf("rate", row))} (${rateRange(row)})`],
    ["product.disputes", disputesOf],
    ["product.own_factor", (row) => times(valueOf("product_x", row))],
    ["product.lane_factor", (row) => times(valueOf("lane_x", row))],
    ["product.loss", (row) => usd(valueOf("loss_per_100_units_usd", row))],
    ["product.verdict", verdictOf],
  ];
  const head = el("tr", {}, el("th", { scope: "col" }, t("product.name")), ...pickedRows.map((row) => el("th", { scope: "col" }, name(row))));
  const lines = measures.map(([key, textOf]) =>
    el("tr", {}, el("th", { scope: "row" }, t(key)), ...pickedRows.map((row) => el("td", {}, textOf(row)))));
  target.replaceChildren(
    el("p", {}, el("strong", {}, t("product.chance", { one: name(one), two: name(two), chance: percent(chance, 0) }))),
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...lines)));
}

startLanguage();
startView(() => { query.sort = VIEW.sort; showList(); });
document.getElementById("sort").addEventListener("change", (event) => { query.sort = event.target.value; showList(); });
onLanguageChange.push(showComparison);
showComparison();
startWide();
startCharts();
