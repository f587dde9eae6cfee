/** Comma-separated values: a header row of column names, CRLF, quotes where needed; missing = empty. Source: RFC 4180. */
import { catalogueOf, numberText } from './columns.js';
import type { RunRecord } from './run-record.js';

const kRowsPerPiece = 512;

export function* csv(record: RunRecord): Generator<string> {
  const { columns, rows } = catalogueOf(record);
  yield `${columns.map((column) => csvCell(column.name)).join(',')}\r\n`;
  let piece = '';
  for (let row = 0; row < rows; row += 1) {
    piece += `${columns.map((column) => (column.type === 'text' ? csvCell(column.at(row)) : numberText(column.at(row), column.type))).join(',')}\r\n`;
    if ((row + 1) % kRowsPerPiece === 0) {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
