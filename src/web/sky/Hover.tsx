/** The catalogue's values of the source under the pointer. */
import { cellText } from '../table/DataTable.js';
import type { Selection } from '../table/selection.js';

interface HoverProps {
  selection: Selection;
  left: number;
  top: number;
}

export function Hover({ selection, left, top }: HoverProps) {
  const row = selection.hovered.value;
  if (row === undefined) return null;
  return (
    <dl class="hover" style={{ left: `${left + 14}px`, top: `${top + 14}px` }}>
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
