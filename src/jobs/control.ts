/**
 * What the operator may ask of a running server that nobody else may: on a socket in its data folder, which its own user
 * (and root) can open, and nobody else. One line of JSON each way.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isErrorCode, OtfError, systemReason, toOtfError } from '../errors/catalogue.js';

export interface Orders {
  /** A copy of the database at `path`, a file that is not there yet. Gives the number of its jobs. */
  backup: (path: string) => Promise<void>;
}

const kSocket = 'control.sock';
/** sockaddr_un(7): what a path may be long, in bytes. */
const kMaxPathBytes = 107;
const kMaxLine = 16 << 10;
const kOnlyUs = 0o600;
/** Somebody who says nothing. */
const kSilenceMs = 10_000;

export class Control {
  readonly #server: Server;
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** Undefined where the path is too long for a socket: the log says so. The caller has the data folder for itself. */
  static open(dataDir: string, orders: Orders, log: Logger): Control | undefined {
    const path = join(dataDir, kSocket);
    if (Buffer.byteLength(path) > kMaxPathBytes) {
      log.warn(
        { bytes: Buffer.byteLength(path) },
        'no control socket: the path of the data folder is too long for one',
      );
      return undefined;
    }
    // Of a server that was killed: nobody else has this folder.
    rmSync(path, { force: true });
    const server = createServer((socket) => serve(socket, orders, log));
    server.on('error', (thrown) => log.error({ err: thrown }, 'the control socket'));
    server.maxConnections = 4;
    // Never open to others, not for a moment: bind(2) happens in listen().
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
    server.once('listening', () => chmodSync(path, kOnlyUs));
    server.unref();
    return new Control(server, path);
  }

  close(): void {
    this.#server.close();
    rmSync(this.#path, { force: true });
  }
}

function serve(socket: Socket, orders: Orders, log: Logger): void {
  socket.setEncoding('utf8');
  socket.setTimeout(kSilenceMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  let line = '';
  let asked = false;
  socket.on('data', (piece: string) => {
    line += piece;
    if (asked) return;
    if (line.length > kMaxLine) socket.destroy();
    const end = line.indexOf('\n');
    if (end < 0) return;
    asked = true;
    socket.setTimeout(0);
    obey(line.slice(0, end), orders)
      .then((answer) => socket.end(`${JSON.stringify(answer)}\n`))
      .catch((thrown) => {
        const { code, message } = toOtfError(thrown);
        log.warn({ code }, `control: ${message}`);
        socket.end(`${JSON.stringify({ code, error: message })}\n`);
      });
  });
}

async function obey(line: string, orders: Orders): Promise<object> {
  let asked: { order?: unknown; path?: unknown };
  try {
    asked = JSON.parse(line) as typeof asked;
  } catch {
    throw new OtfError('OTF_BAD_REQUEST', 'no JSON');
  }
  if (asked?.order !== 'backup' || typeof asked.path !== 'string') {
    throw new OtfError('OTF_BAD_REQUEST', 'the order "backup" with a "path" is known');
  }
  await orders.backup(asked.path);
  return { done: true };
}

/** False = no server uses the folder. Throws what the server says. */
export async function order(dataDir: string, asked: { order: 'backup'; path: string }): Promise<boolean> {
  const socket = createConnection(join(dataDir, kSocket));
  socket.setEncoding('utf8');
  let answer = '';
  try {
    socket.write(`${JSON.stringify(asked)}\n`);
    for await (const piece of socket) {
      answer += String(piece);
      if (answer.length > kMaxLine) break;
    }
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (answer === '' && (code === 'ENOENT' || code === 'ECONNREFUSED')) return false;
    throw new OtfError('OTF_SERVER_ANSWER', `the server of ${dataDir}: ${systemReason(thrown)}`, { cause: thrown });
  } finally {
    socket.destroy();
  }
  const { done, code, error } = JSON.parse(answer || '{}') as { done?: boolean; code?: string; error?: string };
  if (done) return true;
  const known = isErrorCode(code) ? code : 'OTF_SERVER_ANSWER';
  throw new OtfError(known, `the server of ${dataDir} says: ${error ?? 'nothing'}`);
}
