// The contact list and the dispute clock of the report: rows, marks of contacted buyers, the sheet, keys, time left.
const MOMENT = /^\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?$/;
const percent = (share) => (share === null ? "-" : `${(100 * share).toFixed(1)}%`);
const usd = (amount) => (amount === null ? "-" : amount.toFixed(2));

function buildRow(row) {
  const order = valueOf("order_id", row), contactBy = LIST.columns.contact_by[row];
  const due = contactBy === null || contactBy > 2 ? "" : contactBy <= 0 ? "today" : "soon";
  const cause = valueOf("likely_cause", row);
  const checkbox = el("input", {
    type: "checkbox", checked: order in marks, "data-mark": row, "aria-label": t("list.mark", { order }),
    onchange: (event) => setMark(row, event.target.checked),
  });
  const line = el("tr", { role: "row", id: "row-" + row, class: [due, order in marks ? "contacted" : ""].join(" ").trim() },
    field("list.rank", String(valueOf("rank", row))),
    el("td", { role: "cell", class: "whole" }, openButton(row, order),
      el("span", { class: "title" }, valueOf("product_title", row)), orderFacts(row)),
    field("list.action", t("action." + valueOf("action", row)), softLine(firstReason(row))),
    field("list.parcel", t("stage." + valueOf("stage", row)), ...parcelFacts(row)),
    field("list.said", ...saidFacts(row)),
    numberField("list.risk", percent(valueOf("probability", row)), cause ? softLine(t("cause." + cause)) : null),
    field("list.contact_by", contactBy === null ? "-" : dateOf(contactBy)),
    numberField("list.saving", usd(valueOf("expected_value_usd", row)),
      softLine(t("list.at_stake", { usd: usd(valueOf("stake_usd", row)) }))),
    field("list.contacted", checkbox));
  line.children[6].classList.add("due");
  for (const wide of [2, 3, 4]) line.children[wide].classList.add("whole");
  return line;
}

function buildDetail(row) {
  const order = valueOf("order_id", row);
  const reasons = ["reason_1", "reason_2", "reason_3"].filter((name) => valueOf(name, row)).map((name) => {
    const key = valueOf(name + "_key", row);
    return translate(key && JSON.parse(key), valueOf(name, row));
  });
  const heading = (key) => el("h3", {}, t(key));
  const why = el("div", {}, heading("list.reasons"), el("ol", {}, ...reasons.map((text) => el("li", {}, text))),
    el("ul", { class: "soft" }, ...factsOf(row).map((text) => el("li", {}, text))), heading("list.contacted"), markFields(row));
  const messageLanguage = t("language." + valueOf("message_language", row));
  const draft = el("div", {}, heading("list.draft"), el("p", { class: "soft" }, t("list.draft_in", { language: messageLanguage })),
    draftBox(messageOf(row), t("list.draft_of", { order })));
  return detailRow(row, el("div", { class: "columns three" }, why, draft), heading("list.timeline"), timeLine(row));
}

function factsOf(row) {
  const offer = valueOf("offer_usd", row), whyKey = valueOf("why_action_key", row);
  const otherOrders = valueOf("also_orders", row);
  return [
    t("list.risk_range", { low: percent(valueOf("probability_low", row)), high: percent(valueOf("probability_high", row)) }),
    `${t("list.why_action")}: ${translate(whyKey && JSON.parse(whyKey), valueOf("why_action", row))}`,
    `${t("list.stake")}: ${usd(valueOf("stake_usd", row))}; ${t("list.cost")}: ${usd(valueOf("cost_usd", row))}`,
    offer ? `${t("list.offer")}: ${usd(offer)} USD` : null,
    `${t("list.buyer")}: ${valueOf("buyer_id", row)}`,
    `${t("list.product")}: ${valueOf("product_id", row) || "-"}`,
    otherOrders ? `${t("list.other_orders")}: ${otherOrders}` : null,
    t("basis." + valueOf("basis", row)),
  ].filter(Boolean);
}

// when the buyer was contacted, and the outcome; empty: not contacted
function markFields(row) {
  const order = valueOf("order_id", row), mark = marks[order];
  const at = el("input", { type: "text", value: mark ? mark.at : "", placeholder: "2026-05-03 14:00", "data-at": row,
    oninput: (event) => setMark(row, event.target.value.trim() !== "", { at: event.target.value.trim() }) });
  const options = ["", ...DATA.outcomes].map((name) =>
    el("option", { value: name, selected: Boolean(mark) && mark.outcome === name }, name ? t("outcome." + name) : "-"));
  const outcome = el("select", { "data-outcome": row,
    onchange: (event) => setMark(row, true, { outcome: event.target.value }) }, ...options);
  return el("div", { class: "filters" }, el("label", {}, t("list.contacted_at", { zone: DATA.zone }), at),
    el("label", {}, t("list.outcome"), outcome));
}

function setMark(row, isContacted, changes = {}) {
  const order = valueOf("order_id", row);
  if (isContacted) marks[order] = { at: storeTime(), outcome: "", ...marks[order], ...changes };
  else delete marks[order];
  storeMarks();
  const line = document.getElementById("row-" + row);
  line.classList.toggle("contacted", isContacted);
  line.querySelector("input").checked = isContacted;
  const at = document.querySelector(`[data-at="${row}"]`);
  if (at) {
    if (at !== document.activeElement) at.value = isContacted ? marks[order].at : "";
    at.setAttribute("aria-invalid", String(isContacted && !MOMENT.test(marks[order].at)));
  }
  countMarks();
}

function countMarks() {
  const count = LIST.columns.order_id.filter((_, row) => valueOf("order_id", row) in marks).length;
  const button = document.getElementById("export");
  button.textContent = t("list.export", { count });
  button.disabled = count === 0;
}

function exportSheet() {
  const address = URL.createObjectURL(new Blob([contactSheet()], { type: "text/csv" }));
  const link = el("a", { href: address, download: `contacted-${DATA.as_of}.csv` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function sortBy(column, descending) {
  Object.assign(query, { sort: column, descending });
  for (const head of document.querySelectorAll("#list th[data-column]")) {
    const isSorted = head.dataset.column === column;
    head.setAttribute("aria-sort", isSorted ? (descending ? "descending" : "ascending") : "none");
  }
  document.getElementById("sort").value = `${column} ${descending ? "down" : "up"}`;
  showList();
}

function startSorting() {
  document.getElementById("open-only").addEventListener("change", (event) => {
    query.isHidden = event.target.checked ? (row) => valueOf("order_id", row) in marks : () => false;
    showList();
  });
  document.getElementById("sort").addEventListener("change", (event) => {
    const [column, way] = event.target.value.split(" ");
    sortBy(column, way === "down");
  });
  for (const head of document.querySelectorAll("#list th[data-column]")) {
    const isDownFirst = head.dataset.first === "down";
    head.querySelector("button").addEventListener("click", () => {
      sortBy(head.dataset.column, query.sort === head.dataset.column ? !query.descending : isDownFirst);
    });
  }
}

// keys on a row's button: up and down move between rows, m marks the order as contacted, c copies its draft
function startKeys() {
  rowsBody.addEventListener("keydown", (event) => {
    const button = event.target.closest("button.open");
    if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = Number(button.dataset.row), buttons = [...rowsBody.querySelectorAll("button.open")];
    const position = buttons.indexOf(button);
    if (event.key === "ArrowDown") {
      if (position + 1 === buttons.length) showMore();
      (rowsBody.querySelectorAll("button.open")[position + 1] || button).focus();
    } else if (event.key === "ArrowUp") (buttons[position - 1] || button).focus();
    else if (event.key === "m") setMark(row, !(valueOf("order_id", row) in marks));
    else if (event.key === "c") {
      if (!openRows.has(row)) toggleRow(row);
      document.querySelector(`#detail-${row} button.copy`).click();
    } else return;
    event.preventDefault();
  });
}

// From one day before the night to three days after it, the time left is counted from now, otherwise from the night.
function countDown() {
  const now = Date.now() / 1000, isLive = now > DATA.starts_at - 86400 && now < DATA.starts_at + 3 * 86400;
  const start = isLive ? now : DATA.starts_at;
  for (const node of document.querySelectorAll("[data-deadline]")) {
    const left = Number(node.dataset.deadline) - start, hours = Math.abs(left) / 3600;
    const values = { days: Math.floor(hours / 24), hours: Math.floor(hours % 24) };
    node.textContent = left < 0 ? t("clock.time_over", values) : t("clock.time_left", values);
    node.classList.toggle("bad", left < 48 * 3600);
  }
  document.getElementById("counted-from").textContent = isLive ? t("clock.from_now") : t("clock.from_night", { day: DATA.as_of });
}

function showAnswers() {
  for (const target of document.querySelectorAll("[data-answer]")) {
    const order = target.dataset.order;
    target.replaceChildren(draftBox(DATA.answers[Number(target.dataset.answer)], t("clock.answer_of", { order })));
  }
}

startLanguage();
startView(() => sortBy("rank", false));
startSorting();
startKeys();
showAnswers();
countMarks();
countDown();
document.getElementById("export").addEventListener("click", exportSheet);
onLanguageChange.push(countMarks, countDown, showAnswers);
setInterval(countDown, 30000);
startWide();
startCharts();
