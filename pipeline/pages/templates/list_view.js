// The list as one sees it: as many rows as fit, more as one goes on, a row that opens. The page's own script says what a
// row is (rowOf), what opens under it (detailOf) and how the list is named in its words (VIEW.part).
const PIECE = 60;
const asked = { words: "", filters: {}, sort: VIEW.sort, descending: VIEW.descending, isHidden: () => false };
const rowsPart = document.getElementById("rows"), more = document.getElementById("more");
const opened = new Set();
let found = [], shown = 0;

function show() {
  found = choose(asked);
  shown = 0;
  rowsPart.replaceChildren();
  showMore();
  document.getElementById("found").textContent = say(`${VIEW.part}.found`, { count: found.length, all: LIST.count });
}

function showMore(count = PIECE) {
  const part = document.createDocumentFragment();
  for (const row of found.slice(shown, shown + count)) {
    part.append(rowOf(row));
    if (opened.has(row)) part.append(detailOf(row));
  }
  rowsPart.append(part);
  shown = Math.min(shown + count, found.length);
  more.classList.toggle("hidden", shown >= found.length);
}

function openButton(row, text) {
  return el("button", {
    type: "button", class: "open", "aria-expanded": String(opened.has(row)), "data-row": row, onclick: () => toggle(row),
  }, text);
}

function field(name, ...inside) {
  return el("td", { role: "cell", "data-label": say(`${VIEW.part}.${name}`) }, ...inside);
}

function number(name, text) {
  const made = field(name, text);
  made.classList.add("number");
  return made;
}

function detailRow(row, ...inside) {
  const wide = document.querySelectorAll("#list thead th").length;
  return el("tr", { role: "row", class: "detail", id: "detail-" + row }, el("td", { role: "cell", colspan: wide }, ...inside));
}

function toggle(row) {
  const line = document.getElementById("row-" + row);
  if (opened.delete(row)) line.nextElementSibling.remove();
  else { opened.add(row); line.after(detailOf(row)); }
  line.querySelector("button.open").setAttribute("aria-expanded", String(opened.has(row)));
}

function startView(clear) {
  const form = document.getElementById("filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("search").addEventListener("input", (event) => { asked.words = event.target.value; show(); });
  for (const choice of form.querySelectorAll("[data-filter]")) {
    choice.addEventListener("change", () => { asked.filters[choice.dataset.filter] = choice.value; show(); });
  }
  document.getElementById("clear").addEventListener("click", () => {
    form.reset();
    Object.assign(asked, { words: "", filters: {}, isHidden: () => false });
    clear();
  });
  more.addEventListener("click", () => showMore());
  const isNear = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) showMore(); }, { rootMargin: "400px" });
  isNear.observe(more);
  addEventListener("beforeprint", () => showMore(found.length));
  whenLanguageChanges.push(show);
  show();
}
