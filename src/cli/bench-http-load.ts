/** Load generator of `bench http`, a process of its own: keep-alive connections that ask for one path again and again. */
import { connect, type Socket } from 'node:net';

export interface LoadRequest {
  host: string;
  port: number;
  path: string;
  connections: number;
  seconds: number;
  /** Never more than this; absent = as fast as the server answers. */
  perSecond?: number | undefined;
}

/** Requests answered with 200 per second. Anything else ends the measurement. */
export function load({ host, port, path, connections, seconds, perSecond }: LoadRequest): Promise<number> {
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nAccept: */*\r\n\r\n`;
  let answered = 0;
  const begun = performance.now();
  let asked = 0;
  const waiting: Socket[] = [];
  const next = (socket: Socket) => {
    if (perSecond !== undefined && asked >= ((performance.now() - begun) / 1000) * perSecond) {
      waiting.push(socket);
    } else {
      asked++;
      socket.write(request);
    }
  };
  const timer = setInterval(() => {
    for (const socket of waiting.splice(0)) next(socket);
  }, 1);
  return new Promise((resolve, reject) => {
    const sockets = Array.from({ length: connections }, () => {
      const socket = connect(port, host, () => next(socket));
      let left = '';
      socket.setNoDelay(true);
      socket.setEncoding('latin1');
      socket.on('error', reject);
      socket.on('data', (data: string) => {
        left += data;
        const head = left.indexOf('\r\n\r\n');
        if (head < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(left)?.[1] ?? 0);
        if (left.length < head + 4 + length) return;
        if (!left.startsWith('HTTP/1.1 200')) reject(new Error(`answered ${left.split('\r\n')[0]}`));
        left = '';
        answered++;
        next(socket);
      });
      return socket;
    });
    setTimeout(() => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      resolve(answered / ((performance.now() - begun) / 1000));
    }, seconds * 1000);
  });
}

const argument = process.argv[2];
if (argument !== undefined) {
  process.stdout.write(JSON.stringify(await load(JSON.parse(argument) as LoadRequest)));
}
