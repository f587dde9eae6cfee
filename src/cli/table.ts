/** Text tables and a little colour: pretty in a terminal, plain in a pipe. */
import { printable } from '../io/terminal.js';

export interface TableColumn {
  title: string;
  align?: 'left' | 'right';
}

/** Lines without a trailing newline. Numbers to the right; a rule under the titles. */
export function textTable(columns: TableColumn[], data: string[][]): string {
  const rows = data.map((cells) => cells.map(printable));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: string[]) =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        const width = widths[index] ?? 0;
        return align === 'left' ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [bold(line(columns.map((column) => column.title))), rule, ...rows.map(line)].join('\n');
}

function coloured(): boolean {
  return Boolean(process.stdout.isTTY) && !process.env.NO_COLOR;
}

export function bold(text: string): string {
  return coloured() ? `\u001b[1m${text}\u001b[0m` : text;
}

export function green(text: string): string {
  return coloured() ? `\u001b[32m${text}\u001b[0m` : text;
}

/** Our own text: line breaks and colours stay. */
export function print(text: string): void {
  process.stdout.write(`${text.replace(/[\u007f-\u009f]/g, '\ufffd')}\n`);
}
