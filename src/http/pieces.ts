/** Long texts, piece by piece. */
import type { Headers, PiecesAnswer } from '../uws/exchange.js';
import type { Outlet } from './download.js';
import { Outflow } from './outflow.js';

/** Pieces of all answers are made one per turn of the event loop: many long lists hold up nobody else. */
const waiting: (() => void)[] = [];

function myTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(next);
  });
}

function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}

/** Throws what making a piece throws; before the first one nothing has been sent. */
export async function sendPieces(outlet: Outlet, answer: PiecesAnswer, headers: Headers, head: boolean): Promise<void> {
  const pieces = answer.pieces[Symbol.iterator]();
  await myTurn();
  let piece = head ? { done: true as const, value: '' } : pieces.next();
  outlet.send((res) => {
    res.writeStatus('200 OK');
    for (const name in headers) res.writeHeader(name, headers[name] ?? '');
    if (head) res.endWithoutBody();
  });
  const flow = new Outflow(outlet);
  try {
    while (!piece.done && !outlet.gone) {
      await flow.piece(piece.value);
      await myTurn();
      piece = pieces.next();
    }
  } catch (thrown) {
    // Half of it is out: only a broken connection can still say so.
    outlet.send((res) => res.close());
    throw thrown;
  }
  if (!head) outlet.send((res) => res.end());
  outlet.finished(200);
}
