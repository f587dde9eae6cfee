/** Rows of a table as pieces of text, made by the native side. */
import { native } from '../engine/addon.js';
import type { Column, Table } from './table.js';

export interface RowForm {
  /** What precedes the cell of a column. */
  before: (column: Column, index: number) => string;
  /** What follows the last cell. */
  end: string;
  /** How a missing number looks. */
  missing?: string;
  /** How a text looks; as it is when absent. */
  text?: (text: string) => string;
}

/** Enough for several threads. */
const kRowsPerPiece = 2048;

/**
 * Numbers are the shortest decimals that read back as the same value of their column's type. In pieces, so that a large
 * table is never one string.
 */
export function* rowPieces({ columns, rows }: Table, form: RowForm): Generator<Buffer> {
  const { text = (same: string) => same, missing = '' } = form;
  const before = columns.map(form.before);
  for (let first = 0; first < rows; first += kRowsPerPiece) {
    const end = Math.min(first + kRowsPerPiece, rows);
    // Its own rows only: the native side takes over every text it is given.
    const cells = columns.map((column) =>
      column.type === 'text'
        ? { type: column.type, values: column.values.slice(first, end).map((value) => text(value)) }
        : { type: column.type, values: column.values.subarray(first, end) },
    );
    yield native().tableRows({ columns: cells, before, end: form.end, missing, count: end - first });
  }
}
