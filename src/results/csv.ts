/**
 * Comma-separated values: a header row of column names, CRLF, quotes where needed; missing = empty. Source: RFC 4180.
 * The frame of ra and dec is a column, the last one: a comment line would be a row to most readers.
 */
import { catalogueOf, type TextColumn } from './columns.js';
import { rowPieces } from './rows.js';
import type { RunRecord } from './run-record.js';

export function* csv(record: RunRecord): Generator<string | Buffer> {
  const { columns, rows } = catalogueOf(record);
  const frame = frameText(record);
  const catalogue = { rows, columns: [...columns, { ...kFrame, values: Array.from({ length: rows }, () => frame) }] };
  yield `${catalogue.columns.map((column) => csvCell(column.name)).join(',')}\r\n`;
  yield* rowPieces(catalogue, { before: (_, index) => (index === 0 ? '' : ','), end: '\r\n', text: csvCell });
}

const kFrame: Omit<TextColumn, 'values'> = {
  type: 'text',
  name: 'frame',
  unit: '',
  ucd: 'meta.ref',
  description: 'Frame of ra and dec, with its equinox; empty: no sky positions',
};

/** "ICRS", "FK5 J2000", "FK4 B1950". */
function frameText({ outcome }: RunRecord): string {
  const { wcs } = outcome.image;
  if (!wcs) return '';
  return wcs.equinox > 0 ? `${wcs.system} ${wcs.system === 'FK4' ? 'B' : 'J'}${wcs.equinox}` : wcs.system;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
