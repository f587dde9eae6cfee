/** The body of a request as a stream: chunks copied as they arrive, the socket paused while nobody takes them. */

import type { HttpResponse } from 'uWebSockets.js';
import { Readable } from 'node:stream';
import { OtfError } from '../errors/catalogue.js';

const kBufferedBytes = 1 << 18;

/** The client went away before its request was complete. */
export function clientGone(): OtfError {
  return new OtfError('OTF_CLIENT_GONE', 'the client went away');
}

/** The ArrayBuffer is taken away when the handler returns. Not from the pool, not filled with zeros first. */
function copyOf(chunk: ArrayBuffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(chunk.byteLength);
  copy.set(new Uint8Array(chunk));
  return copy;
}

export class IncomingBody extends Readable {
  /** Everything has arrived. */
  complete = false;
  receivedBytes = 0;
  #res: HttpResponse | undefined;
  #paused = false;

  /** To be made in the route's handler itself: data that arrives before onData is set is lost. */
  constructor(res: HttpResponse) {
    super({ highWaterMark: kBufferedBytes });
    this.#res = res;
    // Nobody may be listening yet, or any more: the reader of the form reports the error.
    this.on('error', () => undefined);
    res.onData((chunk, isLast) => {
      if (isLast) this.complete = true;
      this.receivedBytes += chunk.byteLength;
      if (this.destroyed) return;
      const wantsMore = chunk.byteLength === 0 || this.push(copyOf(chunk));
      if (isLast) this.push(null);
      else if (!wantsMore && !this.#paused) {
        this.#paused = true;
        res.pause();
      }
    });
  }

  override _read(): void {
    this.#resume();
  }

  /** The rest is of no interest: let it pass, so that the connection can go on. */
  ignoreRest(): void {
    this.#resume();
    if (!this.destroyed) super.destroy();
  }

  /** The response is over or gone: uWebSockets.js must not be touched any more. */
  detach(gone: boolean): void {
    this.#res = undefined;
    if (gone && !this.readableEnded) this.destroy(clientGone());
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#res?.resume();
  }
}
