/** Load generator of `bench http`, a process of its own: keep-alive connections that ask for one path again and again. */
import { connect, type Socket } from 'node:net';
import { answerLength } from './client.js';

export interface LoadRequest {
  host: string;
  port: number;
  path: string;
  connections: number;
  seconds: number;
  /** Never more than this; absent = as fast as the server answers. */
  perSecond?: number | undefined;
  /** Requests a connection sends before it waits for their answers (RFC 9112, section 9.3.2). */
  pipeline: number;
}

/** Waking up costs, in virtual machines tens of microseconds: requests of a fixed rate go out in small bursts. */
const kTickMs = 5;

export interface LoadReport {
  /** Requests answered with 200. */
  perSecond: number;
  /** Of this process, per second of the measurement. */
  cpuSeconds: number;
}

/** Anything but a 200 ends the measurement. */
export function load({
  host,
  port,
  path,
  connections,
  seconds,
  perSecond,
  pipeline,
}: LoadRequest): Promise<LoadReport> {
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nAccept: */*\r\n\r\n`.repeat(pipeline);
  let answered = 0;
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let asked = 0;
  const waiting: Socket[] = [];
  const next = (socket: Socket) => {
    if (perSecond !== undefined && asked >= ((performance.now() - begun) / 1000) * perSecond) {
      waiting.push(socket);
    } else {
      asked += pipeline;
      socket.write(request);
    }
  };
  const timer = setInterval(() => {
    for (const socket of waiting.splice(0)) next(socket);
  }, kTickMs);
  return new Promise((resolve, reject) => {
    const sockets = Array.from({ length: connections }, () => {
      const socket = connect(port, host, () => next(socket));
      let left = '';
      let expected = pipeline;
      // Answers to one question mostly look alike: then their length is known without reading them.
      let head = '';
      let alike = 0;
      socket.setNoDelay(true);
      socket.setEncoding('latin1');
      socket.on('error', reject);
      socket.on('data', (data: string) => {
        left += data;
        let from = 0;
        for (;;) {
          if (alike === 0 || from + alike > left.length || !left.startsWith(head, from)) {
            const length = answerLength(left, from);
            if (length === 0) break;
            if (!left.startsWith('HTTP/1.1 200', from)) reject(new Error(`answered ${left.slice(from, from + 40)}`));
            alike = length;
            head = left.slice(from, left.indexOf('\r\n\r\n', from) + 4);
          }
          from += alike;
          answered++;
          expected--;
        }
        left = left.slice(from);
        if (expected > 0) return;
        expected = pipeline;
        next(socket);
      });
      return socket;
    });
    setTimeout(() => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      const passed = (performance.now() - begun) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      resolve({ perSecond: answered / passed, cpuSeconds: (user + system) / 1e6 / passed });
    }, seconds * 1000);
  });
}

const argument = process.argv[2];
if (argument !== undefined) {
  process.stdout.write(JSON.stringify(await load(JSON.parse(argument) as LoadRequest)));
}
