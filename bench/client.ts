/** An HTTP client for measurements: what it takes of the CPUs is missing to the server. Keep-alive, bodies made before. */
import { connect, type Socket } from 'node:net';

export interface BenchAnswer {
  status: number;
  location: string;
  text: string;
}

export class BenchClient {
  readonly #host: string;
  readonly #port: number;
  readonly #idle: Socket[] = [];

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  /** `lines`: header lines of a request with a body, each ended by CRLF. */
  exchange(target: string, lines = '', body?: Buffer): Promise<BenchAnswer> {
    const head = `${target} HTTP/1.1\r\nHost: ${this.#host}:${this.#port}\r\n${lines}\r\n`;
    return new Promise((resolve, reject) => {
      const socket = this.#free() ?? this.#connect();
      let text = '';
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the server closed a connection')));
      socket.on('data', (data: string) => {
        text += data;
        const length = answerLength(text, 0);
        if (length === 0) return;
        socket.removeAllListeners();
        this.#idle.push(socket);
        const end = text.indexOf('\r\n\r\n');
        const location = /\r\nlocation: ([^\r]*)/i.exec(text.slice(0, end))?.[1] ?? '';
        resolve({ status: Number(text.slice(9, 12)), location, text: text.slice(end + 4) });
      });
      socket.write(head);
      if (body) socket.write(body);
    });
  }

  close(): void {
    for (const socket of this.#idle.splice(0)) socket.destroy();
  }

  /** The server closes connections that were idle for long; one of those would never answer, nor close again. */
  #free(): Socket | undefined {
    for (;;) {
      const socket = this.#idle.pop();
      if (socket === undefined || !(socket.destroyed || socket.readableEnded)) return socket;
      socket.destroy();
    }
  }

  #connect(): Socket {
    const socket = connect(this.#port, this.#host);
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    return socket;
  }
}

/** Characters of the answer that begins at `from`; 0 = it has not arrived whole. Answers must say their length. */
export function answerLength(text: string, from: number): number {
  const head = text.indexOf('\r\n\r\n', from);
  if (head < 0) return 0;
  const length = head + 4 - from + Number(/content-length: (\d+)/i.exec(text.slice(from, head))?.[1] ?? 0);
  return from + length <= text.length ? length : 0;
}
