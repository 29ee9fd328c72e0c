// The list of a page as it was packed (columns of numbers; texts are numbers of strings), its search, filters and order.
const LIST = DATA.list, VIEW = DATA.view;
const COLLATOR = new Intl.Collator();
const TEXT_COLUMNS = new Set(LIST.text_columns);

function valueOf(column, row) {
  const value = LIST.columns[column][row];
  return TEXT_COLUMNS.has(column) ? LIST.strings[value] : value;
}

// the text of each row that the search looks in
const searchTexts = Array.from({ length: LIST.count }, (_, row) =>
  DATA.searched.map((column) => valueOf(column, row)).join("\n").toLowerCase());

// compares two texts; a row without a text comes last in either order
const compareTexts = (a, b, sign) => (a === "") - (b === "") || sign * COLLATOR.compare(a, b);

// the numbers of the rows that contain every word and match every filter, sorted
function selectRows({ words, filters, sort, descending, isHidden }) {
  const wordList = words.toLowerCase().split(/\s+/).filter(Boolean);
  const conditions = Object.entries(filters).filter(([, value]) => value)
    .map(([column, value]) => [LIST.columns[column], LIST.strings.indexOf(value)]);
  const rows = [];
  for (let row = 0; row < LIST.count; row += 1) {
    if (conditions.every(([column, number]) => column[row] === number)
      && wordList.every((word) => searchTexts[row].includes(word)) && !isHidden(row)) rows.push(row);
  }
  const column = LIST.columns[sort], sign = descending ? -1 : 1;
  const compare = TEXT_COLUMNS.has(sort)
    ? (a, b) => compareTexts(LIST.strings[column[a]], LIST.strings[column[b]], sign)
    : (a, b) => sign * ((column[a] ?? Infinity) - (column[b] ?? Infinity));
  return rows.sort((a, b) => compare(a, b) || a - b);
}
