// What a row says without a click: the order's value and links, the parcel, and what was said last.
// An address of the night's data that is not https is not a link.
function outsideLink(address, text) {
  if (!address.startsWith("https://")) return null;
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", class: "out" }, text);
}

const softLine = (...children) => el("span", { class: "soft line-of-cell" }, ...children);

// the row's first reason, in the reader's language
function firstReason(row) {
  const key = valueOf("reason_1_key", row);
  return translate(key && JSON.parse(key), valueOf("reason_1", row));
}

function orderFacts(row) {
  const value = valueOf("order_value_usd", row), country = valueOf("country", row);
  const links = [outsideLink(valueOf("order_url", row), t("list.open_order")), outsideLink(valueOf("thread_url", row), t("list.open_thread"))];
  return softLine([value === null ? "" : `${usd(value)} USD`, country].filter(Boolean).join(" · "), " ", ...links.filter(Boolean));
}

// the carrier's last report in words, such as `customs: released`
function scanWords(code) {
  const isKnown = WORDS.en["scan." + code] !== undefined;
  return t("scan." + (isKnown ? code : code.split("_")[0]));
}

function parcelFacts(row) {
  const number = valueOf("tracking_number", row), scan = valueOf("last_scan", row);
  const carrier = valueOf("carrier", row), report = [valueOf("last_scan_at", row), valueOf("last_scan_location", row)];
  const link = outsideLink(valueOf("parcel_url", row), `${number} ↗`);
  return [
    carrier || number ? softLine(carrier, " ", link || number) : null,
    scan ? softLine([scanWords(scan), ...report].filter(Boolean).join(" · ")) : null,
    !scan && (carrier || number) ? softLine(t("list.no_scan")) : null,
  ];
}

function saidFacts(row) {
  const by = valueOf("said_by", row), since = valueOf("unanswered_since", row), words = valueOf("first_words", row);
  if (!by) return ["-"];
  return [
    t("said_by." + by, { at: valueOf("said_at", row) }),
    words ? el("q", { class: "line-of-cell words", dir: "auto" }, words) : null,
    since ? el("span", { class: "bad line-of-cell" }, t("list.unanswered", { at: since })) : null,
  ];
}
