/** JSON: the run, the columns, then one object per source with the columns' names as keys; missing = null. */
import { type Column, catalogueOf, numberText } from './columns.js';
import { type RunRecord, runFacts } from './run-record.js';

const kRowsPerPiece = 512;

export function* json(record: RunRecord): Generator<string> {
  const { columns, rows } = catalogueOf(record);
  const run = Object.fromEntries(runFacts(record).map((fact) => [fact.name, fact.value]));
  const described = columns.map(({ name, type, unit, ucd, description }) => ({ name, type, unit, ucd, description }));
  const { image, times } = record.outcome;
  yield `{\n"run": ${JSON.stringify(run)},\n`;
  yield `"image": ${JSON.stringify({ ...image, label: record.input.name })},\n`;
  yield `"times": ${JSON.stringify(times)},\n`;
  yield `"columns": ${JSON.stringify(described)},\n"sources": [`;
  const names = columns.map((column) => JSON.stringify(column.name));
  let piece = '';
  for (let row = 0; row < rows; row += 1) {
    const cells = columns.map((column, index) => `${names[index]}: ${jsonCell(column, row)}`);
    piece += `${row === 0 ? '\n' : ',\n'}{${cells.join(', ')}}`;
    if ((row + 1) % kRowsPerPiece === 0) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}\n]\n}\n`;
}

function jsonCell(column: Column, row: number): string {
  if (column.type === 'text') return JSON.stringify(column.at(row));
  return numberText(column.at(row), column.type) || 'null';
}
