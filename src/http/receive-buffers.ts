/**
 * Memory that pieces of request bodies are copied into, used again once they have been written: a large upload would
 * otherwise leave a trail of fresh pages for the kernel to clear and of garbage to collect.
 */

/** As much as uWebSockets.js hands over at once (LIBUS_RECV_BUFFER_LENGTH). */
const kSlabBytes = 1 << 19;
/** Kept for the next body; more may be in use at a time. */
const kKeptSlabs = 16;

interface Slab {
  readonly memory: Buffer;
  used: number;
  /** Pieces in it that somebody still reads. */
  readers: number;
}

const kept: Slab[] = [];

/** The pieces of one body. Whoever gives up half-way just drops this: what it holds is left to the garbage collector. */
export class ReceiveBuffers {
  #filling: Slab | undefined;
  /** Where the pieces handed out lie, oldest first. */
  readonly #out: Slab[] = [];

  /** The ArrayBuffer is taken away when the handler returns. */
  copy(chunk: ArrayBuffer): Buffer {
    const slab = this.#slabFor(chunk.byteLength);
    const piece = slab.memory.subarray(slab.used, slab.used + chunk.byteLength);
    piece.set(new Uint8Array(chunk));
    slab.used += chunk.byteLength;
    slab.readers++;
    this.#out.push(slab);
    return piece;
  }

  /** Nobody reads the oldest piece any more. */
  release(): void {
    const slab = this.#out.shift();
    if (!slab) return;
    slab.readers--;
    if (slab.readers > 0) return;
    if (slab === this.#filling) slab.used = 0;
    else keep(slab);
  }

  /** No piece will come any more; those handed out may be released still. */
  close(): void {
    const slab = this.#filling;
    this.#filling = undefined;
    if (slab?.readers === 0) keep(slab);
  }

  #slabFor(bytes: number): Slab {
    const known = this.#filling;
    if (known && known.memory.length - known.used >= bytes) return known;
    this.close();
    this.#filling = bytes <= kSlabBytes ? (kept.pop() ?? newSlab(kSlabBytes)) : newSlab(bytes);
    return this.#filling;
  }
}

function newSlab(bytes: number): Slab {
  return { memory: Buffer.allocUnsafeSlow(bytes), used: 0, readers: 0 };
}

function keep(slab: Slab): void {
  if (slab.memory.length !== kSlabBytes || kept.length >= kKeptSlabs) return;
  slab.used = 0;
  kept.push(slab);
}
