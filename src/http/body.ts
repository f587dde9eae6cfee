/** The body of a request, piece by piece: copied as it arrives, the socket paused while nobody takes it. */

import type { HttpResponse } from 'uWebSockets.js';
import { OtfError } from '../errors/catalogue.js';
import { ReceiveBuffers } from './receive-buffers.js';

const kBufferedBytes = 1 << 18;

/** The client went away before its request was complete. */
function clientGone(): OtfError {
  return new OtfError('OTF_CLIENT_GONE', 'the client went away');
}

export class IncomingBody {
  /** Everything has arrived. */
  complete = false;
  receivedBytes = 0;
  #res: HttpResponse | undefined;
  readonly #buffers = new ReceiveBuffers();
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #wake: () => void = () => undefined;
  /** The client or the answer went before everything was taken. */
  #cut = false;
  #ignored = false;
  #paused = false;

  /** To be made in the route's handler itself: data that arrives before onData is set is lost. */
  constructor(res: HttpResponse) {
    this.#res = res;
    res.onData((chunk, isLast) => {
      this.receivedBytes += chunk.byteLength;
      if (chunk.byteLength > 0 && !this.#ignored) {
        this.#waiting.push(this.#buffers.copy(chunk));
        this.#waitingBytes += chunk.byteLength;
      }
      if (isLast) {
        this.complete = true;
        this.#buffers.close();
      } else if (!this.#ignored && this.#waitingBytes > kBufferedBytes && !this.#paused) {
        this.#paused = true;
        res.pause();
      }
      this.#wake();
    });
  }

  /** The next piece, undefined at the end. One caller at a time. Throws OTF_CLIENT_GONE. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#cut) throw clientGone();
      const piece = this.#waiting.shift();
      if (piece) {
        this.#waitingBytes -= piece.length;
        if (this.#waitingBytes <= kBufferedBytes) this.#resume();
        return piece;
      }
      if (this.complete) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Optional, in the order of next(): the oldest piece is not read any more, and its memory may be filled again. */
  release(): void {
    this.#buffers.release();
  }

  /** The rest is of no interest: let it pass, so that the connection can go on. */
  ignoreRest(): void {
    this.#ignored = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#resume();
  }

  /** The response is over or gone: uWebSockets.js must not be touched any more. */
  detach(gone: boolean): void {
    this.#res = undefined;
    this.#cut = !this.complete || (gone && this.#waiting.length > 0);
    this.#wake();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#res?.resume();
  }
}
