/** The rows that are kept, as a file of this browser: VOTable 1.4, CSV or JSON, with what they were cut by. Numbers as the server gave them. */
import type { Catalogue, Column } from '../api/catalogue.js';
import type { Limits } from './selection.js';

export interface Kept {
  catalogue: Catalogue;
  rows: Uint32Array;
  limits: ReadonlyMap<string, Limits>;
  text: string;
  /** Where the whole of it is. */
  source: string;
}

export const kExports = ['votable', 'csv', 'json'] as const;
export type Export = (typeof kExports)[number];

const kTypes: Record<Export, [extension: string, mediaType: string]> = {
  votable: ['vot', 'application/x-votable+xml'],
  csv: ['csv', 'text/csv'],
  json: ['json', 'application/json'],
};

export function download(kept: Kept, format: Export, stem: string): void {
  const [extension, type] = kTypes[format];
  const url = URL.createObjectURL(new Blob([kMakers[format](kept)], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${stem}-filtered.${extension}`;
  link.click();
  // The browser has begun by then; an address of this kind keeps its bytes until it is given back.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** flux from 1e-05 to 0.001; text "S00" */
export function cutsText({ limits, text }: Pick<Kept, 'limits' | 'text'>): string {
  const bounds = [...limits].map(([name, { low, high }]) => `${name} from ${low} to ${high}`);
  return [...bounds, ...(text.trim() === '' ? [] : [`text "${text.trim()}"`])].join('; ') || 'none';
}

const kMakers: Record<Export, (kept: Kept) => string> = { votable, csv, json };

function plain(column: Column, row: number): string {
  if (column.type === 'text') return column.values[row] ?? '';
  const value = column.values[row] ?? Number.NaN;
  return Number.isNaN(value) ? '' : String(value);
}

/** RFC 4180. */
export function csv({ catalogue, rows }: Kept): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [catalogue.columns.map(({ name }) => cell(name)).join(',')];
  for (const row of rows) lines.push(catalogue.columns.map((column) => cell(plain(column, row))).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

export function json(kept: Kept): string {
  const { catalogue, rows, source } = kept;
  const { columns, rowsName, run } = catalogue;
  const objects = [...rows].map((row) =>
    Object.fromEntries(
      columns.map((column) => {
        const value = column.values[row];
        return [column.name, typeof value === 'number' && Number.isNaN(value) ? null : value];
      }),
    ),
  );
  const described = columns.map(({ name, type, unit, ucd, description }) => ({ name, type, unit, ucd, description }));
  const facts = { ...run, filtered_from: source, filtered_by: cutsText(kept) };
  return `${JSON.stringify({ run: facts, columns: described, [rowsName]: objects })}\n`;
}

const kDatatypes = { text: 'char', float: 'float', double: 'double', int: 'int' } as const;

/** VOTable 1.4, TABLEDATA: facts of the run as INFO, a missing number is an empty cell. */
export function votable(kept: Kept): string {
  const { catalogue, rows, source } = kept;
  const { columns, rowsName, run } = catalogue;
  const facts = { ...run, filtered_from: source, filtered_by: cutsText(kept) };
  const infos = Object.entries(facts).map(
    ([name, value]) => `<INFO name="${xml(name)}" value="${xml(String(value))}"/>\n`,
  );
  const fields = columns.map(({ name, type, unit, ucd, description }) => {
    const size = type === 'text' ? ' arraysize="*"' : '';
    const attributes = `${unit === '' ? '' : ` unit="${xml(unit)}"`} ucd="${xml(ucd)}"`;
    return `<FIELD name="${xml(name)}" datatype="${kDatatypes[type]}"${size}${attributes}><DESCRIPTION>${xml(description)}</DESCRIPTION></FIELD>\n`;
  });
  const lines: string[] = [];
  for (const row of rows)
    lines.push(`<TR>${columns.map((each) => `<TD>${xml(plain(each, row))}</TD>`).join('')}</TR>\n`);
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n' +
    `<INFO name="QUERY_STATUS" value="OK"/>\n${infos.join('')}` +
    `<TABLE name="${xml(rowsName)}" nrows="${rows.length}">\n${fields.join('')}<DATA><TABLEDATA>\n${lines.join('')}` +
    '</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n'
  );
}

const kEscapes: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
]);

function xml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => kEscapes.get(letter) ?? letter);
}
