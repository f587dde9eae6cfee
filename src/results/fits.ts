/** FITS binary table: the same columns and facts, written by the native side. */
import { addon, type FitsColumn, type FitsKey } from '../engine/addon.js';
import { type Column, catalogueOf } from './columns.js';
import { type RunRecord, runFacts } from './run-record.js';

/** The extension's name. */
const kExtname = 'CATALOGUE';

export async function writeFitsCatalogue(record: RunRecord, path: string): Promise<void> {
  const { columns, rows } = catalogueOf(record);
  const keys: FitsKey[] = runFacts(record).map(({ key, value, comment }) => ({
    name: key,
    // A date has no Z in FITS: UTC is its default (FITS Standard 4.0 section 9.1.1).
    value: typeof value === 'string' ? asciiText(key === 'DATE' ? value.replace(/Z$/, '') : value) : value,
    comment,
  }));
  const wcs = record.outcome.image.wcs;
  if (wcs) keys.push({ name: 'RADESYS', value: wcs.system, comment: 'frame of ra and dec' });
  if (wcs && wcs.equinox > 0) keys.push({ name: 'EQUINOX', value: wcs.equinox, comment: 'equinox of ra and dec' });
  await addon.writeFitsTable(
    path,
    kExtname,
    columns.map((column) => fitsColumn(column, rows)),
    keys,
  );
}

function fitsColumn(column: Column, rows: number): FitsColumn {
  const { name, unit, ucd, description, type } = column;
  if (column.type === 'text') {
    const text = Array.from({ length: rows }, (_, row) => asciiText(column.at(row)));
    return { name, unit, ucd, description: asciiText(description), type, text };
  }
  const numbers = Float64Array.from({ length: rows }, (_, row) => column.at(row));
  return { name, unit, ucd, description: asciiText(description), type, numbers };
}

/** FITS headers and text cells hold printable ASCII only (FITS Standard 4.0 section 4.1.2.3). */
function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
