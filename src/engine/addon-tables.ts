/** Tables as the addon takes them: FITS binary tables, rows of text. */

export interface FitsColumn {
  name: string;
  unit: string;
  ucd: string;
  description: string;
  type: 'text' | 'float' | 'double' | 'int';
  /** Text columns. */
  text?: string[];
  /** Number columns; NaN = missing. */
  numbers?: Float64Array;
}

/** The first `count` rows: before[0] cell before[1] cell ... end. */
export interface TableRowsRequest {
  columns: ({ type: 'text'; values: string[] } | { type: 'float' | 'double' | 'int'; values: Float64Array })[];
  /** One for each column. */
  before: string[];
  end: string;
  /** Instead of a number that is not finite. */
  missing: string;
  count: number;
}

export interface FitsKey {
  name: string;
  value: string | number;
  comment: string;
}
