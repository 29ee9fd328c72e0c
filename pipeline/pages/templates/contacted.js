// Days of the list, and the marks: which buyers were contacted, when, the outcome, and the sheet for `make contacts`.
// the date of a day that is counted from the night
function dateOf(day) {
  const date = new Date(`${DATA.as_of}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + day);
  return date.toISOString().slice(0, 10);
}

const messageOf = (row) => LIST.message[row].map((number) => LIST.strings[number]).join("");

// the time now in the store's zone, such as 2026-05-03 14:00
function storeTime() {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: DATA.zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(new Date());
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}

// marks: order -> { at, outcome }. They stay in this browser until they are exported; on the board, desk_list.js replaces them.
// Each workspace has its own marks. They are kept when the page of the night is made again.
const MARKS_NAME = `contacted ${DATA.as_of} ${location.pathname.split("/runs/")[0]}`;
// without a prototype, because an order id can be any text
const marks = Object.create(null);
try { Object.assign(marks, JSON.parse(storage.get(MARKS_NAME))); } catch { /* not written by this page */ }
const storeMarks = () => storage.set(MARKS_NAME, JSON.stringify(marks));

const csvCell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// the sheet that `make contacts` reads
function contactSheet() {
  const lines = [["order_id", "stage", "as_of", "contacted_at", "outcome"]];
  for (let row = 0; row < LIST.count; row += 1) {
    const mark = marks[valueOf("order_id", row)];
    if (mark) lines.push([valueOf("order_id", row), valueOf("stage", row), DATA.as_of, mark.at, mark.outcome || ""]);
  }
  return lines.map((line) => line.map(csvCell).join(",")).join("\n") + "\n";
}
