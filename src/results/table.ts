/** A table, whatever it is about: every format is made of this. */

interface ColumnCommon {
  name: string;
  /** VOUnits spelling; '' = none. */
  unit: string;
  ucd: string;
  description: string;
}
export interface TextColumn extends ColumnCommon {
  type: 'text';
  values: string[];
}
export interface NumberColumn extends ColumnCommon {
  type: 'float' | 'double' | 'int';
  /** NaN = missing. */
  values: Float64Array;
  /** A celestial coordinate: refers to the frame of the document. */
  celestial: boolean;
  /** An instant: refers to the time system of the document. */
  temporal?: boolean;
}
export type Column = TextColumn | NumberColumn;

export interface Table {
  columns: Column[];
  rows: number;
}

/** One fact about how the table came to be. */
export interface Fact {
  /** In every format but FITS. */
  name: string;
  /** FITS keyword, 8 characters. */
  key: string;
  value: string | number;
  comment: string;
}

/** Of the celestial columns. `equinox` 0 = that of the system, or none. */
export interface Frame {
  system: string;
  equinox: number;
}

/** Of the temporal columns, which are Modified Julian Dates in days. Words of the IVOA vocabularies timescale, refposition. */
export interface TimeSystem {
  scale: string;
  position: string;
}

export interface TableDocument {
  /** Of the table; in FITS, in capitals, of the extension. */
  name: string;
  description: string;
  /** Of the rows: what they are, and in which order. */
  rowsDescription: string;
  /** Of the list of rows in JSON, e.g. sources. */
  rowsName: string;
  table: Table;
  /** Absent = no celestial coordinates. */
  frame?: Frame | undefined;
  /** Absent = no temporal columns. */
  time?: TimeSystem | undefined;
  /** In this order; `kCreated` among them is the instant the table was made. */
  facts: readonly Fact[];
  /** One line each. */
  warnings: readonly string[];
  /** UTC. */
  createdAt: Date;
  /** Further members of the JSON document, before its columns. */
  details?: Record<string, unknown>;
}

export const kCreated = 'created';

/** DALI 1.1 timestamp in UTC with milliseconds and Z, e.g. 2025-01-31T12:00:00.000Z. */
export function timestamp(date: Date): string {
  return date.toISOString();
}
