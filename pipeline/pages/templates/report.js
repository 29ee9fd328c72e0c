// The morning's list: draws as many rows as one sees, opens a row, marks who was written to, gives the sheet.
const MOMENT = /^\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?$/;
const percent = (share) => (share === null ? "-" : `${(100 * share).toFixed(1)}%`);
const usd = (amount) => (amount === null ? "-" : amount.toFixed(2));

function rowOf(row) {
  const order = cell("order_id", row), by = LIST.columns.contact_by[row];
  const due = by === null || by > 2 ? "" : by <= 0 ? "today" : "soon";
  const mark = el("input", {
    type: "checkbox", checked: order in marks, "data-mark": row, "aria-label": say("list.mark", { order }),
    onchange: (event) => setMark(row, event.target.checked),
  });
  const made = el("tr", { role: "row", id: "row-" + row, class: [due, order in marks ? "contacted" : ""].join(" ").trim() },
    field("rank", String(cell("rank", row))),
    el("td", { role: "cell", class: "whole" }, openButton(row, order), el("span", { class: "title" }, cell("product_title", row))),
    field("stage", say("stage." + cell("stage", row))),
    field("country", cell("country", row)),
    number("risk", percent(cell("probability", row))),
    field("cause", cell("likely_cause", row) ? say("cause." + cell("likely_cause", row)) : "-"),
    field("write_by", by === null ? "-" : dayOf(by)),
    number("worth", usd(cell("expected_value_usd", row))),
    field("contacted", mark));
  made.children[6].classList.add("due");
  return made;
}

function detailOf(row) {
  const order = cell("order_id", row);
  const reasons = ["reason_1", "reason_2", "reason_3"].map((name) => cell(name, row)).filter(Boolean);
  const heading = (key) => el("h3", {}, say("list." + key));
  const offer = say("action." + cell("suggested_action", row));
  const cost = cell("offer_usd", row);
  const facts = [
    say("list.risk_range", { low: percent(cell("probability_low", row)), high: percent(cell("probability_high", row)) }),
    `${say("list.offer")}: ${offer}${cost ? ` (${usd(cost)} USD)` : ""}`,
    `${say("list.buyer")}: ${cell("buyer_id", row)}`, `${say("list.product")}: ${cell("product_id", row) || "-"}`,
    cell("also_orders", row) ? `${say("list.also_orders")}: ${cell("also_orders", row)}` : null,
    say("basis." + cell("basis", row)),
  ].filter(Boolean);
  const why = el("div", {}, heading("reasons"), el("ol", {}, ...reasons.map((text) => el("li", {}, translate(text)))),
    el("ul", { class: "soft" }, ...facts.map((text) => el("li", {}, text))), heading("contacted"), markPart(row));
  const spoken = say("language." + cell("message_language", row));
  const draft = el("div", {}, heading("draft"), el("p", { class: "soft" }, say("list.draft_in", { language: spoken })),
    draftBox(messageOf(row), say("list.draft_of", { order })));
  return detailRow(row, el("div", { class: "columns three" }, why, draft), heading("time_line"), timeLine(row));
}

// when the buyer was written to and what came of it; empty: not contacted
function markPart(row) {
  const order = cell("order_id", row), mark = marks[order];
  const at = el("input", { type: "text", value: mark ? mark.at : "", placeholder: "2026-05-03 14:00", "data-at": row,
    oninput: (event) => setMark(row, event.target.value.trim() !== "", { at: event.target.value.trim() }) });
  const options = ["", ...DATA.outcomes].map((name) =>
    el("option", { value: name, selected: Boolean(mark) && mark.outcome === name }, name ? say("outcome." + name) : "-"));
  const outcome = el("select", { "data-outcome": row,
    onchange: (event) => setMark(row, true, { outcome: event.target.value }) }, ...options);
  return el("div", { class: "filters" }, el("label", {}, say("list.contacted_at", { zone: DATA.zone }), at),
    el("label", {}, say("list.outcome"), outcome));
}

function setMark(row, isContacted, told = {}) {
  const order = cell("order_id", row);
  if (isContacted) marks[order] = { at: storeTime(), outcome: "", ...marks[order], ...told };
  else delete marks[order];
  keepMarks();
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
  const count = haystacks.filter((_, row) => cell("order_id", row) in marks).length;
  const button = document.getElementById("export");
  button.textContent = say("list.export", { count });
  button.disabled = count === 0;
  const give = document.querySelector("#give-back button");
  if (give) give.disabled = count === 0;
}

// opened through the board, the page can give its marks back by itself
function startBoard() {
  const form = document.getElementById("give-back");
  if (form) form.addEventListener("submit", () => { form.elements.sheet.value = sheet(); });
}

function exportSheet() {
  const address = URL.createObjectURL(new Blob([sheet()], { type: "text/csv" }));
  const link = el("a", { href: address, download: `contacted-${DATA.as_of}.csv` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function sortBy(column, descending) {
  Object.assign(asked, { sort: column, descending });
  for (const head of document.querySelectorAll("#list th[data-column]")) {
    const isThis = head.dataset.column === column;
    head.setAttribute("aria-sort", isThis ? (descending ? "descending" : "ascending") : "none");
  }
  document.getElementById("sort").value = `${column} ${descending ? "down" : "up"}`;
  show();
}

function startSorting() {
  document.getElementById("open-only").addEventListener("change", (event) => {
    asked.isHidden = event.target.checked ? (row) => cell("order_id", row) in marks : () => false;
    show();
  });
  document.getElementById("sort").addEventListener("change", (event) => {
    const [column, way] = event.target.value.split(" ");
    sortBy(column, way === "down");
  });
  for (const head of document.querySelectorAll("#list th[data-column]")) {
    const down = head.dataset.first === "down";
    head.querySelector("button").addEventListener("click", () => {
      sortBy(head.dataset.column, asked.sort === head.dataset.column ? !asked.descending : down);
    });
  }
}

// on a row's button: up and down to the next row, m marks, c copies its draft
function startKeys() {
  rowsPart.addEventListener("keydown", (event) => {
    const button = event.target.closest("button.open");
    if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = Number(button.dataset.row), buttons = [...rowsPart.querySelectorAll("button.open")];
    const place = buttons.indexOf(button);
    if (event.key === "ArrowDown") {
      if (place + 1 === buttons.length) showMore();
      (rowsPart.querySelectorAll("button.open")[place + 1] || button).focus();
    } else if (event.key === "ArrowUp") (buttons[place - 1] || button).focus();
    else if (event.key === "m") setMark(row, !(cell("order_id", row) in marks));
    else if (event.key === "c") {
      if (!opened.has(row)) toggle(row);
      document.querySelector(`#detail-${row} button.copy`).click();
    } else return;
    event.preventDefault();
  });
}

// the page is read in the morning: then until now, later from the night itself
function countDown() {
  const now = Date.now() / 1000, isLive = now > DATA.starts_at - 86400 && now < DATA.starts_at + 3 * 86400;
  const from = isLive ? now : DATA.starts_at;
  for (const part of document.querySelectorAll("[data-deadline]")) {
    const left = Number(part.dataset.deadline) - from, hours = Math.abs(left) / 3600;
    const values = { days: Math.floor(hours / 24), hours: Math.floor(hours % 24) };
    part.textContent = say(left < 0 ? "clock.time_over" : "clock.time_left", values);
    part.classList.toggle("bad", left < 48 * 3600);
  }
  document.getElementById("counted-from").textContent = say(isLive ? "clock.from_now" : "clock.from_night", { day: DATA.as_of });
}

function showAnswers() {
  for (const place of document.querySelectorAll("[data-answer]")) {
    const order = place.dataset.order;
    place.replaceChildren(draftBox(DATA.answers[Number(place.dataset.answer)], say("clock.answer_of", { order })));
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
whenLanguageChanges.push(countMarks, countDown, showAnswers);
setInterval(countDown, 30000);
startBoard();
startWide();
startCharts();
