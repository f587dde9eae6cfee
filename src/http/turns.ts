/**
 * Requests take turns: those that arrive together, pipelined on one connection as a rule, may take the event loop for so
 * long; what is left of them waits until everybody else has been served. Of a pipelined request that waits and the one
 * behind it uWebSockets.js answers neither, and closes the connection: its client may ask again (RFC 9112, section 9.3.2).
 */

const kTurnMs = 50;
/** Fewer are not pipelined without end, but a machine that was busy elsewhere. */
const kRequests = 200;

export class RequestTurns {
  #begunMs: number | undefined;
  #requests = 0;

  /** Has this turn of the event loop been going on for too long? */
  get over(): boolean {
    const now = performance.now();
    if (this.#begunMs === undefined) {
      this.#begunMs = now;
      setImmediate(() => {
        this.#begunMs = undefined;
        this.#requests = 0;
      });
    }
    return ++this.#requests > kRequests && now - this.#begunMs > kTurnMs;
  }
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
