/** JSON: the run, the columns, then one object per source with the columns' names as keys; missing = null. */
import { type Column, catalogueOf } from './columns.js';
import { rowPieces } from './rows.js';
import { type RunRecord, runFacts } from './run-record.js';

export function* json(record: RunRecord): Generator<string | Buffer> {
  const catalogue = catalogueOf(record);
  const { columns } = catalogue;
  const run = Object.fromEntries(runFacts(record).map((fact) => [fact.name, fact.value]));
  const described = columns.map(({ name, type, unit, ucd, description }) => ({ name, type, unit, ucd, description }));
  const { image, times } = record.outcome;
  yield `{\n"run": ${JSON.stringify(run)},\n`;
  yield `"image": ${JSON.stringify({ ...image, label: record.input.name })},\n`;
  yield `"times": ${JSON.stringify(times)},\n`;
  yield `"columns": ${JSON.stringify(described)},\n"sources": [`;
  const name = (column: Column) => `${JSON.stringify(column.name)}: `;
  const before = (column: Column, index: number) => (index === 0 ? ',\n{' : ', ') + name(column);
  let first = true;
  for (const piece of rowPieces(catalogue, { before, end: '}', missing: 'null', text: JSON.stringify })) {
    yield first ? piece.subarray(1) : piece;
    first = false;
  }
  yield '\n]\n}\n';
}
