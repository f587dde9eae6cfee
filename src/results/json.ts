/** JSON: the run, the columns, then one object per row with the columns' names as keys; missing = null. */
import { rowPieces } from './rows.js';
import type { Column, TableDocument } from './table.js';

export function* json({ table, facts, details, rowsName }: TableDocument): Generator<string | Buffer> {
  const run = Object.fromEntries(facts.map((fact) => [fact.name, fact.value]));
  const described = table.columns.map(({ name, type, unit, ucd, description }) => {
    return { name, type, unit, ucd, description };
  });
  yield `{\n"run": ${JSON.stringify(run)},\n`;
  for (const [name, value] of Object.entries(details ?? {})) {
    yield `${JSON.stringify(name)}: ${JSON.stringify(value)},\n`;
  }
  yield `"columns": ${JSON.stringify(described)},\n${JSON.stringify(rowsName)}: [`;
  const name = (column: Column) => `${JSON.stringify(column.name)}: `;
  const before = (column: Column, index: number) => (index === 0 ? ',\n{' : ', ') + name(column);
  let first = true;
  for (const piece of rowPieces(table, { before, end: '}', missing: 'null', text: JSON.stringify })) {
    yield first ? piece.subarray(1) : piece;
    first = false;
  }
  yield '\n]\n}\n';
}
