// The events of an order as dots on a line, and the same events as a list for screen readers and for reading.
const GROUP = { buyer_wrote: "talk", seller_wrote: "talk", contacted: "talk", reviewed: "talk" };
for (const kind of ["placed", "paid", "closed", "outcome_observed"]) GROUP[kind] = "order";
// a phone gets a narrower line, so that its text stays legible
const LINE_WIDTH = innerWidth < 740 ? 380 : 800, EDGE = 12, AXIS = 34;

function eventsOf(row) {
  const flat = LIST.events[row], events = [];
  for (let at = 0; at < flat.length; at += 2) events.push({ kind: DATA.kinds[flat[at]], day: flat[at + 1] });
  return events;
}

function timeLine(row) {
  const events = eventsOf(row), contactBy = LIST.columns.contact_by[row];
  const days = [0, ...events.map((event) => event.day), ...(contactBy === null ? [] : [contactBy])];
  const first = Math.min(...days), last = Math.max(...days);
  const x = (day) => EDGE + ((day - first) / Math.max(last - first, 1)) * (LINE_WIDTH - 2 * EDGE);
  const picture = svg("svg", { viewBox: `0 0 ${LINE_WIDTH} 70`, class: "line", "aria-hidden": "true", focusable: "false" });
  const end = events.find((event) => event.kind === "window_ends");
  if (end && end.day > 0) {
    picture.append(svg("rect", { x: x(0), y: 16, width: x(end.day) - x(0), height: 36, class: "window" }));
  }
  picture.append(svg("line", { x1: EDGE, x2: LINE_WIDTH - EDGE, y1: AXIS, y2: AXIS, class: "axis" }));
  picture.append(svg("line", { x1: x(0), x2: x(0), y1: 14, y2: 54, class: "tonight" }));
  if (contactBy !== null && contactBy > 0) {
    picture.append(svg("line", { x1: x(contactBy), x2: x(contactBy), y1: 18, y2: 50, class: "by" }));
  }
  picture.append(...events.filter(({ kind }) => kind !== "window_ends").map((event) => eventMark(event, x(event.day))));
  picture.append(dayLabel(x(first), dateOf(first), "start"), dayLabel(x(last), dateOf(last), "end"));
  if (x(0) > 120 && x(0) < LINE_WIDTH - 120) picture.append(dayLabel(x(0), t("event.tonight"), "middle"));
  return el("div", {}, picture, eventList(events, contactBy));
}

// a diamond for a promise, a dot for anything else; messages are a little above the line
function eventMark({ kind, day }, x) {
  const title = svg("title", {}, `${dateOf(day)} ${t("event." + kind)}`);
  if (kind.startsWith("promised")) {
    return svg("rect", { x: x - 4, y: AXIS - 4, width: 8, height: 8, class: "promise", transform: `rotate(45 ${x} ${AXIS})` }, title);
  }
  const group = GROUP[kind] || "parcel";
  return svg("circle", { cx: x, cy: AXIS + (group === "talk" ? -9 : 0), r: 4.5, class: group }, title);
}

const dayLabel = (x, text, anchor) => svg("text", { x, y: 66, "text-anchor": anchor }, text);

function eventList(events, contactBy) {
  const deadline = contactBy === null ? [] : [{ kind: "contact_by", day: contactBy }];
  const all = [...events, { kind: "tonight", day: 0 }, ...deadline];
  all.sort((a, b) => a.day - b.day);
  const items = all.map(({ kind, day }) => el("li", {}, `${dateOf(day)} ${t("event." + kind)}`));
  return el("ul", { class: "events" }, ...items);
}
