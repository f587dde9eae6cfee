/**
 * The body of one answer, as fast as its reader takes it.
 *
 * uWebSockets.js tells one function of an answer that there is room again, and whoever waited for that goes on inside of that call:
 * promises are settled before it returns. A function registered there is lost when it does, for the one that was called is put
 * back, and the answer would never go on. So there is one for all of it, registered once.
 */
import type { HttpResponse } from 'uWebSockets.js';

/** A response that may be gone. */
export interface Writer {
  readonly gone: boolean;
  /** Every touch of `res` goes through it, in a cork. */
  send: (write: (res: HttpResponse) => void) => void;
  /** One at a time: a later callback takes the place of the earlier. */
  onWriterGone: (callback: () => void) => void;
}

interface Waiting {
  /** There is room, after so many bytes of the answer: is all of it taken now? */
  goOn: (offset: number) => boolean;
  resolve: () => void;
}

export class Outflow {
  readonly #writer: Writer;
  #waiting: Waiting | undefined;
  #listens = false;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** Of an answer of `total` bytes. Resolves when uWebSockets.js has taken all of `chunk`, or the client is gone. */
  part(chunk: Buffer, total: number): Promise<void> {
    return this.#write((res) => {
      const base = res.getWriteOffset();
      if (isTaken(res.tryEnd(chunk, total))) return undefined;
      return (offset) => isTaken(res.tryEnd(chunk.subarray(offset - base), total));
    });
  }

  /** Of an answer of unknown length. Resolves when there is room for the next, or the client is gone. */
  piece(chunk: Buffer | string): Promise<void> {
    return this.#write((res) => (res.write(chunk) ? undefined : () => true));
  }

  /** `begin` gives what to do when there is room, when there is too little. */
  #write(begin: (res: HttpResponse) => Waiting['goOn'] | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (this.#writer.gone) return resolve();
      this.#writer.onWriterGone(resolve);
      this.#writer.send((res) => {
        const goOn = begin(res);
        if (!goOn) return resolve();
        this.#waiting = { goOn, resolve };
        if (this.#listens) return;
        this.#listens = true;
        res.onWritable((offset) => this.#writable(offset));
      });
    });
  }

  #writable(offset: number): boolean {
    const waiting = this.#waiting;
    if (!waiting) return true;
    if (!waiting.goOn(offset)) return false;
    this.#waiting = undefined;
    waiting.resolve();
    return true;
  }
}

/** `responded`: it was the last of the answer. */
function isTaken([taken, responded]: [boolean, boolean]): boolean {
  return taken || responded;
}
