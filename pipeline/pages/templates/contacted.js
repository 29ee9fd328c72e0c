// Days as the list counts them, and the marks: who was written to, when, what came of it, and the sheet of it.
// counted from the night
function dayOf(number) {
  const day = new Date(`${DATA.as_of}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + number);
  return day.toISOString().slice(0, 10);
}

const messageOf = (row) => LIST.message[row].map((number) => LIST.strings[number]).join("");

// now, as a clock in the store's zone shows it: 2026-05-03 14:00
function storeTime() {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: DATA.zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(new Date());
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}

// marks: order -> { at, outcome }. They stay in this browser until they are exported and given back.
// Each workspace has its own, a night made again keeps them.
const MARKS_NAME = `contacted ${DATA.as_of} ${location.pathname.split("/runs/")[0]}`;
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
