/** Comma-separated values: a header row of column names, CRLF, quotes where needed; missing = empty. Source: RFC 4180. */
import { catalogueOf } from './columns.js';
import { rowPieces } from './rows.js';
import type { RunRecord } from './run-record.js';

export function* csv(record: RunRecord): Generator<string | Buffer> {
  const catalogue = catalogueOf(record);
  yield `${catalogue.columns.map((column) => csvCell(column.name)).join(',')}\r\n`;
  yield* rowPieces(catalogue, { before: (_, index) => (index === 0 ? '' : ','), end: '\r\n', text: csvCell });
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
