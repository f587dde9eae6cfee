/** A result as a table in columns, from its JSON (docs/interop.md, Results). Numbers lie in typed arrays: 100,000 rows are nothing. */

import { send } from './http.js';
import { jobPath } from './jobs.js';

interface ColumnCommon {
  name: string;
  unit: string;
  ucd: string;
  description: string;
}

export interface NumberColumn extends ColumnCommon {
  type: 'float' | 'double' | 'int';
  /** NaN = missing. */
  values: Float64Array;
}

export interface TextColumn extends ColumnCommon {
  type: 'text';
  values: string[];
}

export type Column = NumberColumn | TextColumn;

export interface Catalogue {
  /** Of the rows, e.g. sources. */
  rowsName: string;
  rows: number;
  columns: Column[];
  /** Facts of the run. */
  run: Record<string, string | number>;
}

interface Document {
  run: Record<string, string | number>;
  columns: (ColumnCommon & { type: Column['type'] })[];
  [member: string]: unknown;
}

export async function readCatalogue(jobId: string, signal: AbortSignal): Promise<Catalogue> {
  const answer = await send(jobPath(jobId, '/results/result?RESPONSEFORMAT=json'), { signal });
  return toColumns((await answer.json()) as Document);
}

/** A part of another result that is a table, e.g. the light curve of one source. */
export async function readPart(
  jobId: string,
  result: string,
  query: Record<string, string>,
  signal: AbortSignal,
): Promise<Catalogue> {
  const words = new URLSearchParams({ ...query, RESPONSEFORMAT: 'json' });
  const answer = await send(jobPath(jobId, `/results/${encodeURIComponent(result)}?${words}`), { signal });
  return toColumns((await answer.json()) as Document);
}

/** The rows are the last member that is a list, beside the columns. */
export function toColumns(document: Document): Catalogue {
  const lists = Object.entries(document).filter(([name, value]) => name !== 'columns' && Array.isArray(value));
  const [rowsName, rows] = (lists.at(-1) ?? ['rows', []]) as [string, Record<string, string | number | null>[]];
  const columns = document.columns.map(({ type, ...common }): Column => {
    const { name } = common;
    if (type === 'text') return { ...common, type, values: rows.map((row) => String(row[name] ?? '')) };
    return { ...common, type, values: Float64Array.from(rows, (row) => (row[name] as number | null) ?? Number.NaN) };
  });
  return { rowsName, rows: rows.length, columns, run: document.run };
}

/** The first column whose UCD (IVOA UCD 1.1) begins so, as a whole word. */
export function byUcd(columns: readonly Column[], ucd: string, from = 0): NumberColumn | undefined {
  const found = columns.filter(
    (column): column is NumberColumn =>
      column.type !== 'text' &&
      (column.ucd === ucd || column.ucd.startsWith(`${ucd};`) || column.ucd.startsWith(`${ucd}.`)),
  );
  return found[from];
}
