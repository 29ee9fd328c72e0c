"use strict";
// What every page of ours needs: its words in the reader's language, small parts of a page, copying, charts.
// Text is only ever put in as text (textContent): nothing that a buyer or a listing says can become a part of the page.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const WORDS = read("words"), DATA = read("data");
const keep = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(name, value); } catch { /* a browser that keeps nothing */ } },
};
let language = keep.get("language") || ((navigator.language || "en").startsWith("zh") ? "zh" : "en");
if (!WORDS[language]) language = "en";
const whenLanguageChanges = [];

function say(key, values = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key];
  if (text === undefined) return key.slice(key.indexOf(".") + 1);
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// what the program wrote of an order, in the reader's language where that has the sentence; parts of it in turn
const SENTENCES = Object.fromEntries(Object.entries(read("sentences")).map(([name, pairs]) =>
  [name, pairs.map(([pattern, text]) => [new RegExp(pattern, "s"), text])]));

function translate(text) {
  for (const [pattern, said] of SENTENCES[language] || []) {
    const found = pattern.exec(text);
    if (found) return said.replace(/\{(\w+)\}/g, (whole, name) => translate(found.groups[name]));
  }
  return text;
}

function el(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.filter((part) => part !== null && part !== undefined));
  return made;
}

function drawn(name, attributes = {}, ...inside) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

function speak() {
  document.documentElement.lang = language;
  for (const part of document.querySelectorAll("[data-t]")) {
    part.textContent = say(part.dataset.t, JSON.parse(part.dataset.v || "{}"));
  }
  for (const part of document.querySelectorAll("[data-s]")) part.textContent = translate(part.dataset.s);
  for (const part of document.querySelectorAll("[data-ta]")) {
    const [name, key] = part.dataset.ta.split(":");
    part.setAttribute(name, say(key));
  }
  const title = document.querySelector("h1");
  if (title) document.title = title.textContent;
  whenLanguageChanges.forEach((tell) => tell());
}

function startLanguage() {
  const button = document.getElementById("language");
  button.addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    keep.set("language", language);
    nameButton();
    speak();
  });
  function nameButton() {
    button.textContent = language === "en" ? "中文" : "English";
    button.lang = language === "en" ? "zh" : "en";
  }
  nameButton();
  if (language !== "en") speak();
}

async function copyText(text, area) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    area.select();
    return document.execCommand("copy");
  }
}

// a draft to read, change and copy
function draftBox(text, label) {
  const area = el("textarea", { "aria-label": label, spellcheck: "false" });
  area.value = text;
  const done = el("span", { role: "status", class: "good" });
  const copy = async () => { done.textContent = say((await copyText(area.value, area)) ? "page.copied" : "page.not_copied"); };
  const button = el("button", { type: "button", class: "copy main", onclick: copy }, say("page.copy"));
  return el("div", {}, area, el("div", { class: "bar" }, button, done));
}

function localised(part) {
  if (typeof part === "string") return part.startsWith("@") ? say(part.slice(1)) : part;
  if (Array.isArray(part)) return part.map(localised);
  if (part && typeof part === "object") {
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, localised(value)]));
  }
  return part;
}

// one after the other, so that the list can be used meanwhile
async function drawCharts() {
  if (!window.vegaEmbed) return;
  for (const [place, spec] of Object.entries(DATA.charts)) {
    const where = document.getElementById("chart-" + place);
    if (!where) continue;
    await new Promise((next) => setTimeout(next));
    await window.vegaEmbed(where, localised(spec), {
      actions: false, renderer: "svg", ast: true, tooltip: false, defaultStyle: false,
    });
  }
  document.body.dataset.charts = "drawn";
}

// what is wider than the screen can be moved by the keyboard
function reachWide() {
  for (const part of document.querySelectorAll(".wide")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

function startWide() {
  addEventListener("resize", reachWide);
  whenLanguageChanges.push(reachWide);
  reachWide();
}

function startCharts() {
  addEventListener("load", drawCharts);
  whenLanguageChanges.push(() => { drawCharts(); });
}
