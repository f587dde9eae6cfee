/** What a dying library said, fit to be shown to a stranger: the last lines. */
import { publicText } from '../errors/public-text.js';

const kKeptBytes = 16_384;
const kShownLines = 12;
const kShownChars = 240;

/** The end of an output stream. */
export class LogTail {
  #text = '';

  add(chunk: Buffer): void {
    this.#text = (this.#text + chunk.toString('utf8')).slice(-kKeptBytes);
  }

  lines(): string[] {
    const printable = this.#text
      .replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\n');
    return printable
      .split('\n')
      .map((line) => publicText(line.trim()).slice(0, kShownChars))
      .filter((line) => line !== '')
      .slice(-kShownLines);
  }
}
