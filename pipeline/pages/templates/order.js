// The page of one order: the desk, the draft and the answers.
function showPanel() {
  const target = document.getElementById("desk-panel");
  if (!isInUse(target)) target.replaceChildren(deskPanel(DATA.order, DATA.buyer), contactFields());
}

function contactFields() {
  const names = ["", ...DESK.outcomes];
  const outcome = el("select", {}, ...names.map((name) => el("option", { value: name }, name ? t("outcome." + name) : "-")));
  const send = () => sendEntry(DATA.order, "contacted", { night: DESK.night, outcome: outcome.value });
  return el("div", { class: "filters" }, el("label", {}, t("desk.outcome"), outcome), smallButton("desk.mark", send, { class: "main" }));
}

function showDrafts() {
  const draft = document.getElementById("draft");
  if (draft) draft.replaceChildren(draftBox(DATA.draft, t("desk.draft")));
  for (const target of document.querySelectorAll("[data-answer]")) {
    target.replaceChildren(draftBox(DATA.answers[Number(target.dataset.answer)], t("desk.answer")));
  }
}

startLanguage();
startWide();
showPanel();
showDrafts();
onLanguageChange.push(showPanel, showDrafts);
onDeskChange.push((buyers) => { if (buyers.has(DATA.buyer)) showPanel(); });
setTimeout(askForChanges, POLL_MS);
