// The list on the screen: the first rows, more while the reader scrolls, and rows that open. The script of the page
// defines a row (buildRow) and what opens below it (buildDetail).
const ROWS_AT_ONCE = 60;
const query = { words: "", filters: {}, sort: VIEW.sort, descending: VIEW.descending, isHidden: () => false };
const rowsBody = document.getElementById("rows"), moreButton = document.getElementById("more");
const openRows = new Set();
let matches = [], countShown = 0;

function showList() {
  matches = selectRows(query);
  countShown = 0;
  rowsBody.replaceChildren();
  showMore();
  document.getElementById("matches").textContent = t(VIEW.matches, { shown: matches.length, count: LIST.count });
}

function showMore(count = ROWS_AT_ONCE) {
  const fragment = document.createDocumentFragment();
  for (const row of matches.slice(countShown, countShown + count)) {
    fragment.append(buildRow(row));
    if (openRows.has(row)) fragment.append(buildDetail(row));
  }
  rowsBody.append(fragment);
  countShown = Math.min(countShown + count, matches.length);
  moreButton.classList.toggle("hidden", countShown >= matches.length);
}

function openButton(row, text) {
  return el("button", {
    type: "button", class: "open", "aria-expanded": String(openRows.has(row)), "data-row": row, onclick: () => toggleRow(row),
  }, text);
}

// a cell; `key` names its column, for phones, which show no head of the table
function field(key, ...children) {
  return el("td", { role: "cell", "data-label": t(key) }, ...children);
}

function numberField(key, ...children) {
  const node = field(key, ...children);
  node.classList.add("number");
  return node;
}

function detailRow(row, ...children) {
  const countColumns = document.querySelectorAll("#list thead th").length;
  return el("tr", { role: "row", class: "detail", id: "detail-" + row }, el("td", { role: "cell", colspan: countColumns }, ...children));
}

function toggleRow(row) {
  const line = document.getElementById("row-" + row);
  if (openRows.delete(row)) line.nextElementSibling.remove();
  else { openRows.add(row); line.after(buildDetail(row)); }
  line.querySelector("button.open").setAttribute("aria-expanded", String(openRows.has(row)));
}

// `reset`: called when the reader clears the filters
function startView(reset) {
  const form = document.getElementById("filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("search").addEventListener("input", (event) => { query.words = event.target.value; showList(); });
  for (const select of form.querySelectorAll("[data-filter]")) {
    select.addEventListener("change", () => { query.filters[select.dataset.filter] = select.value; showList(); });
  }
  document.getElementById("clear").addEventListener("click", () => {
    form.reset();
    Object.assign(query, { words: "", filters: {}, isHidden: () => false });
    reset();
  });
  moreButton.addEventListener("click", () => showMore());
  const observer = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) showMore();
  }, { rootMargin: "400px" });
  observer.observe(moreButton);
  addEventListener("beforeprint", () => showMore(matches.length));
  onLanguageChange.push(showList);
  showList();
}
