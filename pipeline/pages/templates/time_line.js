// An order's facts as dots on a line, and the same as a list for whoever reads or listens.
const GROUP = { buyer_wrote: "talk", seller_wrote: "talk", contacted: "talk", reviewed: "talk" };
for (const kind of ["placed", "paid", "closed", "outcome_observed"]) GROUP[kind] = "order";
// on a phone the line is drawn for its width, so that its words can be read
const WIDE = innerWidth < 740 ? 380 : 800, EDGE = 12, AXIS = 34;

function eventsOf(row) {
  const flat = LIST.events[row], found = [];
  for (let at = 0; at < flat.length; at += 2) found.push({ kind: DATA.kinds[flat[at]], day: flat[at + 1] });
  return found;
}

function timeLine(row) {
  const events = eventsOf(row), by = LIST.columns.contact_by[row];
  const days = [0, ...events.map((event) => event.day), ...(by === null ? [] : [by])];
  const first = Math.min(...days), last = Math.max(...days);
  const x = (day) => EDGE + ((day - first) / Math.max(last - first, 1)) * (WIDE - 2 * EDGE);
  const picture = drawn("svg", { viewBox: `0 0 ${WIDE} 70`, class: "line", "aria-hidden": "true", focusable: "false" });
  const end = events.find((event) => event.kind === "window_ends");
  if (end && end.day > 0) {
    picture.append(drawn("rect", { x: x(0), y: 16, width: x(end.day) - x(0), height: 36, class: "window" }));
  }
  picture.append(drawn("line", { x1: EDGE, x2: WIDE - EDGE, y1: AXIS, y2: AXIS, class: "axis" }));
  picture.append(drawn("line", { x1: x(0), x2: x(0), y1: 14, y2: 54, class: "tonight" }));
  if (by !== null && by > 0) picture.append(drawn("line", { x1: x(by), x2: x(by), y1: 18, y2: 50, class: "by" }));
  for (const { kind, day } of events) {
    if (kind === "window_ends") continue;
    const told = drawn("title", {}, `${dayOf(day)} ${say("event." + kind)}`);
    const isPromise = kind.startsWith("promised");
    const at = isPromise ? "promise" : GROUP[kind] || "parcel";
    const rise = at === "talk" ? -9 : 0;
    picture.append(isPromise
      ? drawn("rect", { x: x(day) - 4, y: AXIS - 4, width: 8, height: 8, class: at, transform: `rotate(45 ${x(day)} ${AXIS})` }, told)
      : drawn("circle", { cx: x(day), cy: AXIS + rise, r: 4.5, class: at }, told));
  }
  picture.append(label(x(first), dayOf(first), "start"), label(x(last), dayOf(last), "end"));
  if (x(0) > 120 && x(0) < WIDE - 120) picture.append(label(x(0), say("event.tonight"), "middle"));
  return el("div", {}, picture, eventList(events, by));
}

const label = (at, text, anchor) => drawn("text", { x: at, y: 66, "text-anchor": anchor }, text);

function eventList(events, by) {
  const all = [...events, { kind: "tonight", day: 0 }, ...(by === null ? [] : [{ kind: "write_by", day: by }])];
  all.sort((a, b) => a.day - b.day);
  const items = all.map(({ kind, day }) => el("li", {}, `${dayOf(day)} ${say("event." + kind)}`));
  return el("ul", { class: "events" }, ...items);
}
