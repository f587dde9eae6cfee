/** FITS binary table: the same columns and facts, written by the native side. */
import { type FitsColumn, type FitsKey, native } from '../engine/addon.js';
import { targetOf } from '../io/write.js';
import type { Column, TableDocument } from './table.js';

export async function writeFitsTable(document: TableDocument, path: string): Promise<void> {
  const { name, table, facts, frame } = document;
  const keys: FitsKey[] = facts.map(({ key, value, comment }) => ({
    name: key,
    // A date has no Z in FITS: UTC is its default (FITS Standard 4.0 section 9.1.1).
    value: typeof value === 'string' ? asciiText(key === 'DATE' ? value.replace(/Z$/, '') : value) : value,
    comment,
  }));
  if (frame) keys.push({ name: 'RADESYS', value: frame.system, comment: 'frame of ra and dec' });
  if (frame && frame.equinox > 0)
    keys.push({ name: 'EQUINOX', value: frame.equinox, comment: 'equinox of ra and dec' });
  await native().writeFitsTable(await targetOf(path), name.toUpperCase(), table.columns.map(fitsColumn), keys);
}

function fitsColumn(column: Column): FitsColumn {
  const { name, unit, ucd, description, type } = column;
  if (column.type === 'text') {
    return { name, unit, ucd, description: asciiText(description), type, text: column.values.map(asciiText) };
  }
  return { name, unit, ucd, description: asciiText(description), type, numbers: column.values };
}

/** FITS headers and text cells hold printable ASCII only (FITS Standard 4.0 section 4.1.2.3). */
function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
