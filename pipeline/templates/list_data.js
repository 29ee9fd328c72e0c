// The contact list as it came in the page, and what of it is asked for.
const LIST = DATA.list;
const BY_LETTER = new Intl.Collator();
const TEXT = new Set(LIST.text_columns);

function cell(column, row) {
  const value = LIST.columns[column][row];
  return TEXT.has(column) ? LIST.strings[value] : value;
}

const messageOf = (row) => LIST.message[row].map((number) => LIST.strings[number]).join("");

const SEARCHED = ["order_id", "buyer_id", "product_id", "product_title", "also_orders", "reason_1", "reason_2", "reason_3"];
const haystacks = Array.from({ length: LIST.count }, (_, row) =>
  SEARCHED.map((column) => cell(column, row)).join("\n").toLowerCase());

// rows that hold every word asked for, and every filter's value, in the order asked for
function choose({ words, filters, sort, descending, isHidden }) {
  const asked = words.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = Object.entries(filters).filter(([, value]) => value)
    .map(([column, value]) => [LIST.columns[column], LIST.strings.indexOf(value)]);
  const found = [];
  for (let row = 0; row < LIST.count; row += 1) {
    if (wanted.every(([column, number]) => column[row] === number)
      && asked.every((word) => haystacks[row].includes(word)) && !isHidden(row)) found.push(row);
  }
  const column = LIST.columns[sort], isText = TEXT.has(sort), way = descending ? -1 : 1;
  const compare = isText
    ? (a, b) => BY_LETTER.compare(LIST.strings[column[a]], LIST.strings[column[b]])
    : (a, b) => (column[a] ?? Infinity) - (column[b] ?? Infinity);
  return found.sort((a, b) => way * compare(a, b) || a - b);
}

// days are counted from the night
function dayOf(number) {
  const day = new Date(`${DATA.as_of}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + number);
  return day.toISOString().slice(0, 10);
}

// now, as a clock in the store's zone shows it: 2026-05-03 14:00
function storeTime() {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: DATA.zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(new Date());
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}

// marks: order -> { at, outcome }. They stay in this browser until they are exported and given back.
const MARKS_NAME = `contacted ${DATA.as_of}`;
// without a prototype: an order may be called anything
const marks = Object.create(null);
try { Object.assign(marks, JSON.parse(keep.get(MARKS_NAME))); } catch { /* nothing that we wrote */ }
const keepMarks = () => keep.set(MARKS_NAME, JSON.stringify(marks));

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// the sheet that `make contacts` takes
function sheet() {
  const lines = [["order_id", "stage", "as_of", "contacted_at", "outcome"]];
  for (let row = 0; row < LIST.count; row += 1) {
    const mark = marks[cell("order_id", row)];
    if (mark) lines.push([cell("order_id", row), cell("stage", row), DATA.as_of, mark.at, mark.outcome || ""]);
  }
  return lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n";
}
