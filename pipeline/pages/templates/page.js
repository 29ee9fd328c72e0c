"use strict";
// What every page needs: its words in the reader's language, elements, copying, charts.
// Text is only ever inserted as text (textContent), so text from a buyer or a listing cannot become markup.
const readJson = (id) => JSON.parse(document.getElementById(id).textContent);
const WORDS = readJson("words"), DATA = readJson("data");
const storage = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(name, value); } catch { /* the browser stores nothing */ } },
};
let language = storage.get("language") || ((navigator.language || "en").startsWith("zh") ? "zh" : "en");
if (!WORDS[language]) language = "en";
const PLURALS = Object.fromEntries(Object.keys(WORDS).map((name) => [name, new Intl.PluralRules(name)]));
const onLanguageChange = [];

// The text of a key with its placeholders filled. A text with plural forms takes the form for values.count.
function t(key, values = {}) {
  const name = WORDS[language][key] === undefined ? "en" : language;
  const entry = WORDS[name][key];
  if (entry === undefined) return key.slice(key.indexOf(".") + 1);
  const text = typeof entry === "string" ? entry : entry[PLURALS[name].select(Number(values.count))] ?? entry.other;
  return text.replace(/\{(\w+)\}/g, (placeholder, field) => values[field] ?? placeholder);
}

// Sentences that the program wrote, translated by their key: a text, or [id, values] whose values are keys in turn.
const SENTENCES = readJson("sentences");

function filled(key) {
  if (typeof key === "string") return key;
  const [id, values] = key, template = (SENTENCES[language] || {})[id];
  if (template === undefined) return undefined;
  const parts = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, filled(value)]));
  if (Object.values(parts).includes(undefined)) return undefined;
  return template.replace(/\{(\w+)\}/g, (placeholder, name) => parts[name] ?? placeholder);
}

// The sentence in the reader's language; a sentence without a key or a translation stays in English.
function translate(key, english) {
  return key ? filled(key) ?? english : english;
}

function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false && value !== undefined) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function applyLanguage() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) {
    node.textContent = t(node.dataset.t, JSON.parse(node.dataset.v || "{}"));
  }
  for (const node of document.querySelectorAll("[data-s]")) {
    node.textContent = translate(JSON.parse(node.dataset.s), node.dataset.e);
  }
  for (const node of document.querySelectorAll("[data-ta]")) {
    const [attribute, key] = node.dataset.ta.split(":");
    node.setAttribute(attribute, t(key));
  }
  const title = document.querySelector("h1");
  if (title) document.title = title.textContent;
  onLanguageChange.forEach((listener) => listener());
}

function startLanguage() {
  const button = document.getElementById("language");
  function labelButton() {
    button.textContent = language === "en" ? "中文" : "English";
    button.lang = language === "en" ? "zh" : "en";
  }
  button.addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    storage.set("language", language);
    labelButton();
    applyLanguage();
  });
  labelButton();
  if (language !== "en") applyLanguage();
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

// a draft that can be read, changed and copied
function draftBox(text, label) {
  const area = el("textarea", { "aria-label": label, spellcheck: "false", dir: "auto" });
  area.value = text;
  const status = el("span", { role: "status", class: "good" });
  const copy = async () => {
    const isCopied = await copyText(area.value, area);
    status.textContent = isCopied ? t("page.copied") : t("page.not_copied");
  };
  const button = el("button", { type: "button", class: "copy main", onclick: copy }, t("page.copy"));
  return el("div", {}, area, el("div", { class: "bar" }, button, status));
}

// a copy of a chart's specification in which each "@key" is replaced by its text
function localised(spec) {
  if (typeof spec === "string") return spec.startsWith("@") ? t(spec.slice(1)) : spec;
  if (Array.isArray(spec)) return spec.map(localised);
  if (spec && typeof spec === "object") {
    return Object.fromEntries(Object.entries(spec).map(([key, value]) => [key, localised(value)]));
  }
  return spec;
}

// draws one chart at a time, so that the list can be used meanwhile
async function drawCharts() {
  if (!window.vegaEmbed) return;
  for (const [name, spec] of Object.entries(DATA.charts)) {
    const target = document.getElementById("chart-" + name);
    if (!target) continue;
    await new Promise((next) => setTimeout(next));
    await window.vegaEmbed(target, localised(spec), {
      actions: false, renderer: "svg", ast: true, tooltip: false, defaultStyle: false,
    });
  }
  document.body.dataset.charts = "drawn";
}

// a part that is wider than the screen can have the focus, so that the keyboard can scroll it
function makeWideFocusable() {
  for (const part of document.querySelectorAll(".wide")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

function startWide() {
  addEventListener("resize", makeWideFocusable);
  onLanguageChange.push(makeWideFocusable);
  makeWideFocusable();
}

function startCharts() {
  addEventListener("load", drawCharts);
  onLanguageChange.push(() => { drawCharts(); });
}
