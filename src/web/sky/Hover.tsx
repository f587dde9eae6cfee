/** The catalogue's values of the source under the pointer, whole inside the picture. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { cellText } from '../table/DataTable.js';
import type { Selection } from '../table/selection.js';

interface HoverProps {
  selection: Selection;
  left: number;
  top: number;
}

const kApartPx = 14;
const kEdgePx = 4;

export function Hover({ selection, left, top }: HoverProps) {
  const list = useRef<HTMLDListElement>(null);
  const row = selection.hovered.value;
  useLayoutEffect(() => {
    const element = list.current;
    const frame = element?.parentElement;
    if (element && frame) placeInside(element, frame, left, top);
  }, [row, left, top]);
  if (row === undefined) return null;
  return (
    <dl class="hover" ref={list}>
      {selection.catalogue.columns.map((column) => (
        <div key={column.name}>
          <dt>{column.name}</dt>
          <dd>
            {cellText(column, row)} {column.unit}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Beside the pointer, on whichever side there is room; values stand in several columns where one would be too high. */
function placeInside(
  element: HTMLElement,
  { clientWidth, clientHeight }: HTMLElement,
  left: number,
  top: number,
): void {
  element.style.gridTemplateColumns = '';
  const columns = Math.ceil(element.offsetHeight / (clientHeight - 2 * kEdgePx));
  if (columns > 1) element.style.gridTemplateColumns = `repeat(${columns}, auto)`;
  const right = left + kApartPx + element.offsetWidth <= clientWidth;
  const x = right ? left + kApartPx : left - kApartPx - element.offsetWidth;
  const y = Math.min(top + kApartPx, clientHeight - element.offsetHeight - kEdgePx);
  element.style.left = `${Math.max(kEdgePx, x)}px`;
  element.style.top = `${Math.max(kEdgePx, y)}px`;
}
