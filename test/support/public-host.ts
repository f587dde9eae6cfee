/**
 * Runs in a network of its own whose loopback has a public address (fetch-image.test.ts): a host that anybody may fetch
 * from, and that redirects to what only this machine can reach. Prints what became of each URL, as JSON.
 */
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toOtfError } from '#otf/errors/catalogue.js';
import { fetchImage } from '#otf/fetch/fetch-image.js';

const [address = ''] = process.argv.slice(2);
const kPort = 8080;
const kInside = [`127.0.0.1:${kPort}`, `localhost:${kPort}`, '[::ffff:127.0.0.1]:8080', '0x7f000001:8080'];

let insideVisits = 0;
const server = createServer((request, response) => {
  const host = request.headers.host ?? '';
  if (!host.startsWith(address)) insideVisits++;
  const target = /^\/to\/(\d)$/.exec(request.url ?? '')?.[1];
  if (target !== undefined) response.writeHead(302, { location: `http://${kInside[Number(target)]}/secret` }).end();
  else if (request.url === '/self') response.writeHead(302, { location: '/image' }).end();
  else response.end('pixels');
});
await new Promise<void>((resolve) => server.listen(kPort, '0.0.0.0', resolve));

const limits = { allowPrivate: false, maxBytes: 1 << 20, maxRedirects: 3, timeoutMs: 5000 };
async function outcome(path: string): Promise<string> {
  const to = join(tmpdir(), `otf-public-${process.pid}`);
  try {
    const { size } = await fetchImage(`http://${address}:${kPort}${path}`, to, limits, new AbortController().signal);
    return `${size} bytes`;
  } catch (thrown) {
    return toOtfError(thrown).code;
  }
}

const outcomes: Record<string, string> = {};
for (const path of ['/image', '/self', ...kInside.map((_, index) => `/to/${index}`)])
  outcomes[path] = await outcome(path);
await rm(join(tmpdir(), `otf-public-${process.pid}`), { force: true });
process.stdout.write(JSON.stringify({ outcomes, insideVisits }));
process.exit(0);
