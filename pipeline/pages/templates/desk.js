"use strict";
// The desk: what the agents share. State by buyer, entries sent to the board, and the changes of others, asked for every
// two seconds. The page of a list and the page of an order both use it.
const DESK = readJson("desk-data");
for (const [name, words] of Object.entries(DESK.words)) Object.assign(WORDS[name], words);
// maps, because an id can be any text
const deskStates = new Map(Object.entries(DESK.buyers));
const onDeskChange = [];
let deskNumber = DESK.number;
const POLL_MS = 2000;

const stateOf = (buyer) => deskStates.get(buyer) || { assignee: null, snoozed_until: null, notes: [], contacts: [], last: null };
const isSnoozed = (state) => Boolean(state.snoozed_until) && state.snoozed_until > DESK.today;
const isOurs = (state) => state.assignee === DESK.user;
const mayUndo = (entry) => DESK.is_lead || entry.by === DESK.user;

function showDeskStatus(text, isBad = false) {
  const status = document.getElementById("desk-status");
  status.textContent = text;
  status.className = isBad ? "bad" : "good";
}

function takeStates(buyers) {
  for (const [buyer, state] of Object.entries(buyers)) deskStates.set(buyer, state);
  const changed = new Set(Object.keys(buyers));
  if (changed.size) onDeskChange.forEach((listener) => listener(changed));
}

const problemText = (problem) => (problem.key ? t(problem.key, problem.values) : problem.text);

// sends one entry; true if it was made. What the board answers is shown at once, the others see it with their next question.
async function sendEntry(order, kind, values = {}) {
  const body = new URLSearchParams({ order, kind, ...values });
  let answer;
  try {
    const response = await fetch("/desk/entries", { method: "POST", body, headers: { "X-CSRF-Token": DESK.token } });
    answer = await response.json();
  } catch {
    showDeskStatus(t("desk.not_saved"), true);
    return false;
  }
  takeStates(answer.buyers || {});
  if (answer.problem) showDeskStatus(problemText(answer.problem), true);
  else showDeskStatus(t("desk.saved"));
  return !answer.problem;
}

async function askForChanges() {
  try {
    const response = await fetch("/desk/changes?since=" + deskNumber);
    const answer = await response.json();
    if (answer.problem) showDeskStatus(problemText(answer.problem), true);
    else {
      deskNumber = answer.number;
      takeStates(answer.buyers);
      const status = document.getElementById("desk-status");
      if (status.dataset.offline) { delete status.dataset.offline; showDeskStatus(""); }
    }
  } catch {
    showDeskStatus(t("desk.offline"), true);
    document.getElementById("desk-status").dataset.offline = "yes";
  }
  setTimeout(askForChanges, POLL_MS);
}

const smallButton = (key, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, t(key));

// who has the buyer, until when they rest, how many notes: one line of text
function stateText(state) {
  const parts = [];
  if (state.assignee) parts.push(isOurs(state) ? t("desk.yours") : t("desk.with", { user: state.assignee }));
  if (isSnoozed(state)) parts.push(t("desk.snoozed", { day: state.snoozed_until }));
  if (state.notes.length) parts.push(t("desk.notes", { count: state.notes.length }));
  return parts.join(" · ");
}

function claimButton(order, state) {
  if (!state.assignee) return smallButton("desk.claim", () => sendEntry(order, "claim"), { "aria-label": t("desk.claim_order", { order }) });
  if (isOurs(state) || DESK.is_lead) {
    return smallButton("desk.release", () => sendEntry(order, "release"), { "aria-label": t("desk.release_order", { order }) });
  }
  return null;
}

function undoButton(order, entry) {
  return mayUndo(entry) ? smallButton("desk.undo", () => sendEntry(order, "undo", { number: entry.number }), {
    "aria-label": t("desk.undo_of", { order, what: t("entry." + entry.kind) }),
  }) : null;
}

// all that can be done on one buyer, and what was done
function deskPanel(order, buyer) {
  const state = stateOf(buyer);
  const until = el("input", { type: "date", value: isSnoozed(state) ? state.snoozed_until : "" });
  const note = el("input", { type: "text", maxlength: 2000 });
  const snooze = () => sendEntry(order, "snooze", { until: until.value });
  const addNote = () => { if (note.value.trim()) sendEntry(order, "note", { text: note.value }); };
  note.addEventListener("keydown", (event) => { if (event.key === "Enter") { addNote(); note.blur(); } });
  const lines = state.notes.map((entry) => el("li", {}, `${entry.text} `,
    el("span", { class: "soft" }, `${entry.by}, ${shownTime(entry.at)} `), undoButton(order, entry)));
  const contacts = state.contacts.map((entry) => el("li", {}, `${t("desk.contacted_by", { user: entry.by, at: entry.contacted_at })} `,
    entry.order_id === order ? null : `(${entry.order_id}) `, entry.outcome ? `${t("outcome." + entry.outcome)} ` : null, undoButton(order, entry)));
  const last = state.last && !["note", "contacted"].includes(state.last.kind)
    ? el("p", { class: "soft" }, t("desk.last", { what: t("entry." + state.last.kind), user: state.last.by, at: shownTime(state.last.at) }), " ",
      undoButton(order, state.last)) : null;
  return el("div", { class: "desk" },
    el("p", {}, stateText({ ...state, notes: [] }) || t("desk.free"), " ", claimButton(order, state)),
    el("div", { class: "filters" }, el("label", {}, t("desk.note"), note), smallButton("desk.add_note", addNote),
      el("label", {}, t("desk.snooze_until"), until), smallButton("desk.snooze", snooze),
      ...(DESK.is_lead && DESK.members.length > 1 ? assignFields(order, state) : [])),
    lines.length || contacts.length ? el("ul", {}, ...contacts, ...lines) : null, last);
}

function assignFields(order, state) {
  const options = DESK.members.map((name) => el("option", { value: name, selected: name === state.assignee }, name));
  const select = el("select", {}, ...options);
  return [el("label", {}, t("desk.assign_to"), select), smallButton("desk.assign", () => sendEntry(order, "assign", { to: select.value }))];
}

// the time of an entry where the reader is
function shownTime(at) {
  return new Date(at).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}

// a panel that someone is typing in is not drawn again
const isInUse = (panel) => panel.contains(document.activeElement) && ["INPUT", "SELECT"].includes(document.activeElement.tagName)
  && Boolean(document.activeElement.value);
