/** Some rows of a table: limits of columns and a text, the same for whoever draws, lists or downloads them. */
import { native } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import type { Column, Fact, NumberColumn, Table, TableDocument } from './table.js';

/** Both ends belong to it; an infinite one is none. A missing number is within no bound. */
export interface Bound {
  column: string;
  low: number;
  high: number;
}

export interface RowFilter {
  /** All must hold. */
  bounds: readonly Bound[];
  /** Somewhere in one of the columns of text, without case; '' = anything. */
  text: string;
}

/** Rows that are left, in their order. Throws OTF_BAD_REQUEST naming a column that is not there, or is text. */
export function keptRows({ columns, rows }: Table, { bounds, text }: RowFilter): Uint32Array {
  const named = new Map(columns.map((column) => [column.name, column]));
  const limits = bounds.map((bound) => ({
    ...bound,
    ...published(numbersOf(named.get(bound.column), bound, columns)),
  }));
  const wanted = text.trim().toLowerCase();
  const texts = columns.filter((column) => column.type === 'text');
  const kept = new Uint32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row += 1) {
    if (!limits.every(({ value, low, high }) => within(value(row), low, high))) continue;
    if (wanted !== '' && !texts.some(({ values }) => values[row]?.toLowerCase().includes(wanted))) continue;
    kept[count] = row;
    count += 1;
  }
  return kept.subarray(0, count);
}

function within(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

function numbersOf(column: Column | undefined, { column: name }: Bound, columns: readonly Column[]): NumberColumn {
  if (column && column.type !== 'text') return column;
  const numeric = columns.filter(({ type }) => type !== 'text').map((each) => each.name);
  const wrong = column ? 'is text' : 'is not there';
  throw new OtfError('OTF_BAD_REQUEST', `the column ${name.slice(0, 80)} ${wrong}: there are ${numeric.join(', ')}`);
}

/**
 * The number that is read in the table: who takes a limit from there keeps its row. Tables give a float in the fewest
 * digits that read back as the same float, which as a double is another number.
 */
function published({ type, values }: NumberColumn): { value: (row: number) => number } {
  const plain = (row: number) => values[row] ?? Number.NaN;
  if (type !== 'float') return { value: plain };
  return {
    value: (row) => {
      const value = plain(row);
      return Number.isFinite(value) ? Number(native().numberText(value, 'float')) : value;
    },
  };
}

/** With those rows only, and what they were chosen by among its facts. */
export function withRows(document: TableDocument, rows: Uint32Array, filter: RowFilter): TableDocument {
  const columns = document.table.columns.map((column): Column => {
    if (column.type === 'text') return { ...column, values: Array.from(rows, (row) => column.values[row] ?? '') };
    return { ...column, values: Float64Array.from(rows, (row) => column.values[row] ?? Number.NaN) };
  });
  const facts = [...document.facts, ...filterFacts(filter, document.table.rows)];
  return { ...document, table: { columns, rows: rows.length }, facts };
}

function filterFacts(filter: RowFilter, allRows: number): Fact[] {
  return [
    { name: 'filtered_by', key: 'FILTER', value: filterText(filter), comment: 'what the rows were chosen by' },
    { name: 'unfiltered_rows', key: 'ALLROWS', value: allRows, comment: 'rows of the whole table' },
  ];
}

/** The same in a file of lines that has comments only. */
export function filterComments(filter: RowFilter, allRows: number): string {
  return filterFacts(filter, allRows)
    .map(({ name, value }) => `# ${name}: ${String(value).replace(/[\r\n]+/g, ' ')}\n`)
    .join('');
}

/** flux from 1e-05 to +Inf; text "S00" */
function filterText({ bounds, text }: RowFilter): string {
  const limits = bounds.map(({ column, low, high }) => `${column} from ${endText(low)} to ${endText(high)}`);
  return [...limits, ...(text.trim() === '' ? [] : [`text "${text.trim()}"`])].join('; ');
}

/** As DALI 1.1 (section 3.1.2) writes an end that is none. */
function endText(value: number): string {
  return Number.isFinite(value) ? String(value) : `${value < 0 ? '-' : '+'}Inf`;
}
