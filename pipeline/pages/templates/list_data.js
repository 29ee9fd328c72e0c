// A page's list as it came: columns of numbers and of texts' numbers, and what of it is asked for.
const LIST = DATA.list, VIEW = DATA.view;
const BY_LETTER = new Intl.Collator();
const TEXT = new Set(LIST.text_columns);

function cell(column, row) {
  const value = LIST.columns[column][row];
  return TEXT.has(column) ? LIST.strings[value] : value;
}

const haystacks = Array.from({ length: LIST.count }, (_, row) =>
  DATA.searched.map((column) => cell(column, row)).join("\n").toLowerCase());

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
