/**
 * Comma-separated values: a header row of column names, CRLF, quotes where needed; missing = empty. Source: RFC 4180.
 * The frame of celestial columns is a column, the last one: a comment line would be a row to most readers.
 */
import { rowPieces } from './rows.js';
import type { Column, TableDocument, TextColumn } from './table.js';

export function* csv({ table, frame }: TableDocument): Generator<string | Buffer> {
  const { rows } = table;
  const text = frameText(frame);
  const framed = (): TextColumn => ({ ...kFrame, values: Array.from({ length: rows }, () => text) });
  const columns = table.columns.some(isCelestial) ? [...table.columns, framed()] : table.columns;
  yield `${columns.map((column) => csvCell(column.name)).join(',')}\r\n`;
  const before = (_: Column, index: number) => (index === 0 ? '' : ',');
  yield* rowPieces({ rows, columns }, { before, end: '\r\n', text: csvCell });
}

const kFrame: Omit<TextColumn, 'values'> = {
  type: 'text',
  name: 'frame',
  unit: '',
  ucd: 'meta.ref',
  description: 'Frame of ra and dec, with its equinox; empty: no sky positions',
};

function isCelestial(column: Column): boolean {
  return column.type !== 'text' && column.celestial;
}

/** "ICRS", "FK5 J2000", "FK4 B1950". */
export function frameText(frame: TableDocument['frame']): string {
  if (!frame) return '';
  return frame.equinox > 0 ? `${frame.system} ${frame.system === 'FK4' ? 'B' : 'J'}${frame.equinox}` : frame.system;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
