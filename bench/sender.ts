/**
 * Gives one file to whoever asks, evenly over `?seconds=`, in a process of its own (`bench arrival`). Told its address by a
 * message; for each time it was asked it tells how long that took. It ends when its parent does.
 */
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const kPieceBytes = 1 << 18;

const bytes = readFileSync(process.argv[2] ?? '');
const server = createServer(async (request, response) => {
  const began = performance.now();
  const seconds = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('seconds'));
  response.on('error', () => undefined);
  response.writeHead(200, { 'content-length': bytes.length });
  for (let at = 0; at < bytes.length && !response.destroyed; ) {
    const piece = bytes.subarray(at, at + kPieceBytes);
    at += piece.length;
    const taken = response.write(piece);
    const dueMs = (1000 * seconds * at) / bytes.length - (performance.now() - began);
    if (dueMs > 0) await pause(dueMs);
    // As fast as it goes: not ahead of whoever reads.
    else if (!taken) await drained(response);
  }
  response.end();
  process.send?.({ seconds: (performance.now() - began) / 1000 });
});
/** Or gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
