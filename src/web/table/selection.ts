/** What of a table is shown: limits of columns and a text cut rows off, a column orders them, one row is looked at. */
import { computed, signal } from '@preact/signals';
import type { Catalogue, Column, NumberColumn } from '../api/catalogue.js';
import type { RowFilter } from '../api/jobs.js';

/** An infinite end is none. */
export interface Limits {
  low: number;
  high: number;
}

export interface Order {
  column: string;
  up: boolean;
}

export class Selection {
  readonly catalogue: Catalogue;
  readonly limits = signal<ReadonlyMap<string, Limits>>(new Map());
  readonly text = signal('');
  readonly order = signal<Order | undefined>(undefined);
  /** Row of the catalogue, from 0. */
  readonly current = signal<number | undefined>(undefined);
  /** Under the pointer, in the picture or the table. */
  readonly hovered = signal<number | undefined>(undefined);

  constructor(catalogue: Catalogue) {
    this.catalogue = catalogue;
  }

  /** Rows that are left, in the order of the catalogue. */
  readonly kept = computed(() => keptRows(this.catalogue, this.limits.value, this.text.value));

  /** What keeps them, for the server; undefined = all are kept. */
  readonly filter = computed((): RowFilter | undefined => {
    const bounds = [...this.limits.value].map(([column, limits]) => ({ column, ...limits }));
    const text = this.text.value.trim();
    return bounds.length === 0 && text === '' ? undefined : { bounds, text };
  });

  /** The same in the order asked for. */
  readonly shown = computed(() => {
    const order = this.order.value;
    const column = this.catalogue.columns.find(({ name }) => name === order?.column);
    return column && order ? sorted(this.kept.value, column, order.up) : this.kept.value;
  });

  limit(column: string, limits: Limits | undefined): void {
    const next = new Map(this.limits.value);
    if (limits) next.set(column, limits);
    else next.delete(column);
    this.limits.value = next;
  }

  /** Up, down, and as it was. */
  orderBy(column: string): void {
    const now = this.order.value;
    if (now?.column !== column) this.order.value = { column, up: true };
    else this.order.value = now.up ? { column, up: false } : undefined;
  }

  clear(): void {
    this.limits.value = new Map();
    this.text.value = '';
  }
}

/** A row without a number is kept by no limit on it. */
export function keptRows({ columns, rows }: Catalogue, limits: ReadonlyMap<string, Limits>, text: string): Uint32Array {
  const bounded = columns.flatMap((column) => {
    const limit = limits.get(column.name);
    return limit && column.type !== 'text' ? [{ values: column.values, ...limit }] : [];
  });
  const wanted = text.trim().toLowerCase();
  const texts = columns.filter((column) => column.type === 'text');
  const kept = new Uint32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (!bounded.every(({ values, low, high }) => within(values[row], low, high))) continue;
    if (wanted !== '' && !texts.some(({ values }) => values[row]?.toLowerCase().includes(wanted))) continue;
    kept[count++] = row;
  }
  return kept.subarray(0, count);
}

function within(value: number | undefined, low: number, high: number): boolean {
  return value !== undefined && value >= low && value <= high;
}

/** Missing numbers come last, whichever way; equal rows stay in their order. */
function sorted(rows: Uint32Array, column: Column, up: boolean): Uint32Array {
  const sign = up ? 1 : -1;
  if (column.type === 'text') {
    const { values } = column;
    return rows.slice().sort((a, b) => sign * compareTexts(values[a] ?? '', values[b] ?? '') || a - b);
  }
  const { values } = column;
  return rows.slice().sort((a, b) => compareNumbers(values[a], values[b], sign) || a - b);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: number | undefined, b: number | undefined, sign: number): number {
  const [first = Number.NaN, second = Number.NaN] = [a, b];
  if (Number.isNaN(first) || Number.isNaN(second)) return Number(Number.isNaN(first)) - Number(Number.isNaN(second));
  return sign * (first - second);
}

export function rangeOf({ values }: NumberColumn): Limits | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : undefined;
}
