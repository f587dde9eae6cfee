/** The rows of a catalogue: only those on the screen are in the document. Arrow keys move through them. */

import { useSignalEffect } from '@preact/signals';
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Column } from '../api/catalogue.js';
import { number } from '../parts/shown.js';
import type { Order, Selection } from './selection.js';

const kRowPx = 28;
const kPage = 12;

type Rows = Virtualizer<HTMLDivElement, Element>;

/** The part of the library that binds it to a framework, for this one. */
function useVirtualRows(count: number, scroller: { current: HTMLDivElement | null }): Rows {
  const [, redraw] = useReducer((times: number) => times + 1, 0);
  const options: VirtualizerOptions<HTMLDivElement, Element> = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => kRowPx,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(undefined),
  };
  const [rows] = useState(() => new Virtualizer(options));
  rows.setOptions(options);
  useLayoutEffect(() => rows._didMount(), []);
  useLayoutEffect(() => rows._willUpdate());
  return rows;
}

interface DataTableProps {
  selection: Selection;
  label: string;
  /** Where several are on one page: begins the ids of its rows. */
  name?: string;
}

export function DataTable({ selection, label, name = 'row' }: DataTableProps) {
  const { columns } = selection.catalogue;
  const shown = selection.shown.value;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualRows(shown.length, scroller);
  const current = selection.current.value;
  // Chosen in the picture: brought into view here.
  useSignalEffect(() => {
    const row = selection.current.value;
    const place = row === undefined ? -1 : selection.shown.peek().indexOf(row);
    if (place >= 0) rows.scrollToIndex(place);
  });
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: kPage, PageUp: -kPage };
    const here = current === undefined ? -1 : shown.indexOf(current);
    const ends: Record<string, number> = { Home: 0, End: shown.length - 1 };
    const step = steps[event.key];
    const to = step === undefined ? ends[event.key] : Math.min(shown.length - 1, Math.max(0, here + step));
    if (to === undefined || shown.length === 0) return;
    event.preventDefault();
    selection.current.value = shown[to];
  };
  return (
    <div
      class="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={shown.length + 1}
      aria-activedescendant={current === undefined ? undefined : `${name}-${current}`}
      tabIndex={0}
      ref={scroller}
      onKeyDown={move}
      onPointerLeave={() => (selection.hovered.value = undefined)}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" class="grid-row" aria-rowindex={1}>
          {columns.map((column) => (
            <Head key={column.name} column={column} selection={selection} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="grid-body" style={{ height: `${rows.getTotalSize()}px` }}>
        {rows.getVirtualItems().map(({ index, start }) => (
          <Row
            key={shown[index]}
            id={`${name}-${shown[index]}`}
            row={shown[index] ?? 0}
            index={index}
            top={start}
            selection={selection}
          />
        ))}
      </div>
    </div>
  );
}

function Head({ column, selection }: { column: Column; selection: Selection }) {
  const { name, unit, description } = column;
  const order = selection.order.value;
  return (
    <div role="columnheader" class={`cell ${column.type}`} aria-sort={sortOf(order, name)} title={description}>
      <button type="button" class="quiet" tabIndex={-1} onClick={() => selection.orderBy(name)}>
        {name}
        {unit !== '' && <span class="small"> {unit}</span>}
        <span aria-hidden="true">{order?.column === name ? (order.up ? ' ▲' : ' ▼') : ''}</span>
      </button>
    </div>
  );
}

function sortOf(order: Order | undefined, name: string): 'ascending' | 'descending' | 'none' {
  if (order?.column !== name) return 'none';
  return order.up ? 'ascending' : 'descending';
}

interface RowProps {
  id: string;
  row: number;
  index: number;
  top: number;
  selection: Selection;
}

function Row({ id, row, index, top, selection }: RowProps) {
  const { columns } = selection.catalogue;
  const chosen = selection.current.value === row;
  const hovered = selection.hovered.value === row;
  return (
    <div
      id={id}
      role="row"
      class={`grid-row${chosen ? ' chosen' : ''}${hovered ? ' hovered' : ''}`}
      aria-rowindex={index + 2}
      aria-selected={chosen}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => (selection.current.value = row)}
      onPointerEnter={() => (selection.hovered.value = row)}
    >
      {columns.map((column) => (
        <div key={column.name} role="gridcell" class={`cell ${column.type}`}>
          {cellText(column, row)}
        </div>
      ))}
    </div>
  );
}

/** Positions to a hundredth of an arcsecond, other numbers to four digits; the files have them whole. */
export function cellText(column: Column, row: number): string {
  if (column.type === 'text') return column.values[row] ?? '';
  const value = column.values[row] ?? Number.NaN;
  if (column.type === 'double') return Number.isNaN(value) ? '' : value.toFixed(6);
  return number(value, column.unit === 'pixel' ? 6 : 4);
}
