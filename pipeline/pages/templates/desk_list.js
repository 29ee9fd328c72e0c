// The desk inside the list of a night. It wraps the functions with which the page builds its rows, so that the pages of
// earlier nights work too. Marks of contacted buyers are the desk's: they are sent at once, and no browser keeps its own.
const rowsOfBuyer = new Map();
for (let row = 0; row < LIST.count; row += 1) {
  const buyer = valueOf("buyer_id", row);
  rowsOfBuyer.set(buyer, [...(rowsOfBuyer.get(buyer) || []), row]);
}
const stateOfRow = (row) => stateOf(valueOf("buyer_id", row));

// the contact of this order that counts for this night: the newest that was made for its list, or later
function contactOfRow(row) {
  const order = valueOf("order_id", row);
  const own = stateOfRow(row).contacts.filter((entry) => entry.order_id === order
    && (entry.night === DESK.night || entry.contacted_at.slice(0, 10) >= DESK.night));
  return own.at(-1);
}

// by a sheet that was given back
const sheetMark = (order) => (Object.hasOwn(DESK.sheet, order) ? DESK.sheet[order] : undefined);

function takeMarks(row) {
  const order = valueOf("order_id", row), contact = contactOfRow(row) || sheetMark(order);
  if (contact) marks[order] = { at: contact.contacted_at, outcome: contact.outcome };
  else delete marks[order];
}

function deskLine(row) {
  const order = valueOf("order_id", row), state = stateOfRow(row), contact = contactOfRow(row);
  const other = state.contacts.filter((entry) => entry.order_id !== order && entry.contacted_at.slice(0, 10) >= DESK.night).at(-1);
  const line = el("span", { class: "title desk-line" }, stateText(state), " ");
  const copy = smallButton("desk.copy", () => copyDraft(row), { "aria-label": t("desk.copy_of", { order }) });
  if (contact) line.append(t("desk.contacted_by", { user: contact.by, at: contact.contacted_at }), " ", undoButton(order, contact) || "");
  else {
    if (other) line.append(t("desk.contacted_about", { order: other.order_id, user: other.by }), " ");
    line.append(copy, " ", claimButton(order, state) || "");
  }
  return line;
}

async function copyDraft(row) {
  const area = el("textarea", { class: "hidden" });
  area.value = messageOf(row);
  document.body.append(area);
  const isCopied = await copyText(area.value, area);
  area.remove();
  showDeskStatus(isCopied ? t("desk.copied", { order: valueOf("order_id", row) }) : t("page.not_copied"), !isCopied);
}

const plainRow = buildRow, plainDetail = buildDetail;
buildRow = (row) => {
  const line = plainRow(row), state = stateOfRow(row);
  line.querySelector("button.open").closest("td").append(deskLine(row));
  // only who has the buyer, or a lead, may mark them
  line.querySelector("input[type=checkbox]").disabled = Boolean(state.assignee) && !isOurs(state) && !DESK.is_lead;
  return line;
};
buildDetail = (row) => {
  const detail = plainDetail(row), order = valueOf("order_id", row);
  const link = el("a", { href: "/order?id=" + encodeURIComponent(order) }, t("desk.all_about"));
  detail.firstElementChild.prepend(el("h3", {}, t("desk.work")), el("p", {}, link),
    el("div", { class: "desk-slot", "data-row": row }, deskPanel(order, valueOf("buyer_id", row))));
  return detail;
};

let sendLater;
// replaces the page's own, which keeps marks in the browser
setMark = (row, isContacted, changes = {}) => {
  const order = valueOf("order_id", row), contact = contactOfRow(row);
  clearTimeout(sendLater);
  if (!isContacted) {
    if (contact) sendEntry(order, "undo", { number: contact.number });
    else { showDeskStatus(t("desk.by_sheet"), true); showRow(row); }
    return;
  }
  const values = { night: DESK.night, outcome: "", ...(contact && { contacted_at: contact.contacted_at, outcome: contact.outcome }) };
  if (changes.at) values.contacted_at = changes.at;
  if (changes.outcome !== undefined) values.outcome = changes.outcome;
  const send = async () => { if (!await sendEntry(order, "contacted", values)) showRow(row); };
  if (changes.at === undefined) send();
  // typed letter by letter: wait until it is a whole time
  else if (MOMENT.test(changes.at) && changes.at.length > 10) sendLater = setTimeout(send, 800);
};

// draws one row again, if it is on the screen, without moving the focus
function showRow(row) {
  takeMarks(row);
  const line = document.getElementById("row-" + row);
  if (!line) return;
  const active = document.activeElement, label = line.contains(active) ? active.getAttribute("aria-label") || active.className : null;
  const next = buildRow(row);
  line.replaceWith(next);
  if (label) ([...next.querySelectorAll("button, input")].find((node) => (node.getAttribute("aria-label") || node.className) === label)
    || next.querySelector("button.open")).focus();
  const slot = document.querySelector(`.desk-slot[data-row="${row}"]`);
  if (slot && !isInUse(slot)) slot.replaceChildren(deskPanel(valueOf("order_id", row), valueOf("buyer_id", row)));
}

const SHOWN = {
  all: () => true,
  todo: (row) => (!stateOfRow(row).assignee || isOurs(stateOfRow(row))) && !isSnoozed(stateOfRow(row)) && !(valueOf("order_id", row) in marks),
  mine: (row) => isOurs(stateOfRow(row)),
  snoozed: (row) => isSnoozed(stateOfRow(row)),
  contacted: (row) => valueOf("order_id", row) in marks,
};

function startFilter() {
  const label = document.getElementById("open-only")?.closest("label");
  const options = Object.keys(SHOWN).map((name) => el("option", { value: name, "data-t": "show." + name }, t("show." + name)));
  const select = el("select", { id: "desk-show" }, ...options);
  select.addEventListener("change", () => { query.isHidden = (row) => !SHOWN[select.value](row); showList(); });
  const field = el("label", {}, el("span", { "data-t": "desk.show" }, t("desk.show")), select);
  if (label) label.replaceWith(field);
  else document.getElementById("filters").append(field);
}

function countDesk() {
  const count = LIST.columns.order_id.filter((_, row) => valueOf("order_id", row) in marks).length;
  const text = t("desk.count", { count, all: LIST.count });
  document.getElementById("desk-count").textContent = DESK.has_login ? `${text} ${t("board.signed_in", { user: DESK.user })}` : text;
}

// an order of a queue has its draft, and the work on its buyer, on its page of the board
function linkQueues() {
  for (const cell of document.querySelectorAll("#queues td.order")) {
    const platform = cell.querySelector("a"), order = cell.textContent.trim();
    cell.replaceChildren(el("a", { href: "/order?id=" + encodeURIComponent(order) }, order));
    if (platform) {
      platform.replaceChildren(el("span", { "data-t": "list.open_order" }, t("list.open_order")));
      cell.append(" ", platform);
    }
  }
}

linkQueues();
for (const order of Object.keys(marks)) delete marks[order];
for (let row = 0; row < LIST.count; row += 1) takeMarks(row);
startFilter();
// the marks are saved already
document.getElementById("export").classList.add("hidden");
document.getElementById("desk-status").before(el("span", { id: "desk-count" }), " ");
onLanguageChange.push(countDesk);
onDeskChange.push((buyers) => {
  for (const buyer of buyers) (rowsOfBuyer.get(buyer) || []).forEach(showRow);
  countMarks();
  countDesk();
});
countMarks();
countDesk();
showList();
setTimeout(askForChanges, POLL_MS);
