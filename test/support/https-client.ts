/** A request of a server whose certificate the test has made: `fetch` believes none but those of the machine. */
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { Readable } from 'node:stream';

export interface HttpsAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Asked {
  ca: Buffer;
  method?: string;
  headers?: Record<string, string>;
  body?: Iterable<Buffer>;
}

export function httpsAsk(url: string, { ca, method = 'GET', headers = {}, body = [] }: Asked): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca, method, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
      );
    });
    sent.on('error', reject);
    Readable.from(body).pipe(sent);
  });
}
