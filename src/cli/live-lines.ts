/** Lines at the bottom of a terminal that change: on stderr, so that what a command gives stays clean; nothing in a pipe. */
import { clearScreenDown, moveCursor } from 'node:readline';
import { printable } from '../io/terminal.js';

const kColumns = 80;

export class LiveLines {
  readonly #stream = process.stderr;
  #shown = 0;

  get on(): boolean {
    return Boolean(this.#stream.isTTY);
  }

  show(lines: readonly string[]): void {
    if (!this.on) return;
    this.clear();
    const width = (this.#stream.columns ?? kColumns) - 1;
    for (const line of lines) this.#stream.write(`${cut(printable(line), width)}\n`);
    this.#shown = lines.length;
  }

  /** To be called before anything else is printed. */
  clear(): void {
    if (!this.on || this.#shown === 0) return;
    moveCursor(this.#stream, 0, -this.#shown);
    clearScreenDown(this.#stream);
    this.#shown = 0;
  }
}

/** A line must not wrap: characters beyond ASCII may be two columns wide, and count so. */
function cut(line: string, width: number): string {
  let left = width;
  let kept = '';
  for (const character of line) {
    left -= character > '\u007f' ? 2 : 1;
    if (left < 0) break;
    kept += character;
  }
  return kept;
}
