import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isPrivateAddress } from '#otf/fetch/address.js';
import { type FetchLimits, fetchImage } from '#otf/fetch/fetch-image.js';
import { localPath, openableLocalPath } from '#otf/fetch/local-file.js';
import { tempDir } from './service/bench.js';
import { httpServer } from './support/http-server.js';

const kLimits: FetchLimits = { allowPrivate: true, maxBytes: 1 << 20, maxRedirects: 2, timeoutMs: 5000 };
const kBytes = randomBytes(300_000);

/** Public by IANA's registry, here of a loopback in a network namespace of its own. */
const kPublic = '11.0.0.1';
const kPublicLoopback = `ip link set lo up && ip addr add ${kPublic}/32 dev lo`;

function noNetworkOfItsOwn(): string | false {
  const { status } = spawnSync('unshare', ['-rn', 'sh', '-c', kPublicLoopback]);
  return status === 0 ? false : 'no network namespace can be made here (unshare, iproute2 and the right to)';
}

describe('fetching an image', () => {
  const attempt = async (
    t: TestContext,
    url: string,
    limits: Partial<FetchLimits> = {},
    signal = new AbortController().signal,
  ) => {
    const path = `${await tempDir(t)}/input.fits`;
    return { path, image: await fetchImage(url, path, { ...kLimits, ...limits }, signal) };
  };

  it('follows redirects, counts and sums', async (t) => {
    const url = await httpServer(t, (request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end();
      else response.writeHead(200, { 'content-length': kBytes.length }).end(kBytes);
    });
    const path = `${await tempDir(t)}/i`;
    const image = await fetchImage(`${url}/a`, path, kLimits, new AbortController().signal);
    assert.deepEqual(image, {
      size: kBytes.length,
      sha256: createHash('sha256').update(kBytes).digest('hex'),
      index: 0,
    });
    assert.ok((await readFile(path)).equals(kBytes));
  });

  it('resumes with Range after a cut, and starts again when the server cannot', async (t) => {
    for (const ranges of [true, false]) {
      const asked: (string | undefined)[] = [];
      const url = await httpServer(t, (request, response) => {
        asked.push(request.headers.range);
        const start = ranges ? Number(/\d+/.exec(request.headers.range ?? '0')?.[0]) : 0;
        const rest = kBytes.subarray(start);
        const headers = {
          'content-length': rest.length,
          etag: '"v1"',
          'content-range': `bytes ${start}-${kBytes.length - 1}/${kBytes.length}`,
        };
        response.writeHead(start > 0 ? 206 : 200, headers);
        if (asked.length >= 3) return response.end(rest);
        return response.write(rest.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 30));
      });
      const { path, image } = await attempt(t, url);
      assert.equal(asked.length, 3);
      assert.match(asked[2] ?? '', /^bytes=\d+-$/);
      assert.equal(image.sha256, createHash('sha256').update(kBytes).digest('hex'));
      assert.ok((await readFile(path)).equals(kBytes));
    }
  });

  it('never puts two versions of a file together, whatever its server says and leaves out', async (t) => {
    const [before, after] = [kBytes, randomBytes(kBytes.length)];
    const old = new Date(Date.now() - 3_600_000).toUTCString();
    const tagged = (etag: string) => ({ etag, 'last-modified': old });
    const now = () => ({ 'last-modified': new Date().toUTCString() });
    // Of the first answer and of a 206, whose server heeds no If-Range; and how much its version has.
    const kinds: [string, () => Record<string, string>, () => Record<string, string>, number?][] = [
      ['another tag', () => tagged('"1"'), () => tagged('"2"')],
      ['another date', () => ({ 'last-modified': old }), now],
      ['another length', () => tagged('"1"'), () => tagged('"1"'), kBytes.length - 1],
      ['no validator', () => ({}), () => ({})],
      ['a weak tag', () => tagged('W/"1"'), () => tagged('W/"1"')],
      ['a date of this second', now, () => ({})],
    ];
    for (const [what, first, second, length = after.length] of kinds) {
      let asked = 0;
      const url = await httpServer(t, (request, response) => {
        if (asked++ === 0) {
          response.writeHead(200, { ...first(), 'content-length': before.length });
          return response.write(before.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 30));
        }
        const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
        const range = { 'content-range': `bytes ${start}-${length - 1}/${length}` };
        response.writeHead(start > 0 ? 206 : 200, { ...second(), ...(start > 0 ? range : {}) });
        return response.end(after.subarray(start, length));
      });
      const { path } = await attempt(t, url);
      assert.ok((await readFile(path)).equals(after.subarray(0, length)), what);
    }
  });

  it('takes no more than was announced, and begins again where the rest is none', async (t) => {
    const url = await httpServer(t, (request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      if (start > 0 && request.url === '/none') return response.writeHead(416).end();
      const range = { 'content-range': `bytes ${start}-${kBytes.length - 1}/${kBytes.length}` };
      if (start > 0) return response.writeHead(206, range).end(Buffer.concat([kBytes.subarray(start), kBytes]));
      response.writeHead(200, { etag: '"1"', 'content-length': kBytes.length });
      if (none++ > 0) return response.end(kBytes);
      return response.write(kBytes.subarray(0, 1000), () => setTimeout(() => response.destroy(), 30));
    });
    let none = 0;
    await assert.rejects(attempt(t, `${url}/more`), { code: 'OTF_FETCH_FAILED', message: /more came than/ });
    none = 0;
    assert.ok((await readFile((await attempt(t, `${url}/none`)).path)).equals(kBytes));
  });

  it('resumes without a validator where a checksum decides', async (t) => {
    const asked: (string | undefined)[] = [];
    const url = await httpServer(t, (request, response) => {
      asked.push(request.headers.range);
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      if (start > 0) {
        response.writeHead(206, { 'content-range': `bytes ${start}-${kBytes.length - 1}/*` });
        return response.end(kBytes.subarray(start));
      }
      return response
        .writeHead(200, { 'content-length': kBytes.length })
        .write(kBytes.subarray(0, 1000), () => setTimeout(() => response.destroy(), 30));
    });
    const md5 = createHash('md5').update(kBytes).digest('hex');
    const { image } = await attempt(t, url, { digests: { md5 } });
    assert.deepEqual([image.size, asked], [kBytes.length, [undefined, 'bytes=1000-']]);
    await assert.rejects(attempt(t, url, { digests: { md5: '0'.repeat(32) } }), { code: 'OTF_IMAGE_CHECKSUM' });
  });

  it('gives up with a reason: status, size, redirects, time, cuts, unknown host', async (t) => {
    const url = await httpServer(t, (request, response) => {
      if (request.url === '/404') response.writeHead(404).end();
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (request.url === '/announced') response.writeHead(200, { 'content-length': 5 << 20 }).end();
      else if (request.url === '/endless') response.on('drain', () => response.write(kBytes)) && response.write(kBytes);
      else if (request.url === '/cut')
        response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy());
      else if (request.url === '/file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    });
    const rejects = (path: string, code: string, limits: Partial<FetchLimits> = {}) =>
      assert.rejects(attempt(t, path.startsWith('http') ? path : url + path, limits), { code }, path);
    await rejects('/404', 'OTF_FETCH_FAILED');
    await rejects('/loop', 'OTF_FETCH_FAILED');
    await rejects('/announced', 'OTF_FETCH_TOO_LARGE');
    await rejects('/endless', 'OTF_FETCH_TOO_LARGE');
    await rejects('/cut', 'OTF_FETCH_FAILED', { maxResumes: 1 });
    await rejects('/silent', 'OTF_FETCH_FAILED', { timeoutMs: 300 });
    await rejects('/silent', 'OTF_FETCH_FAILED', { stallMs: 100, maxResumes: 0 });
    await rejects('/file', 'OTF_FETCH_REFUSED');
    await rejects('http://no-such-host.invalid/a', 'OTF_FETCH_FAILED');
    await rejects('http://127.0.0.1:1/', 'OTF_FETCH_FAILED', { maxResumes: 0 });
  });

  it('stops when its job is aborted', async (t) => {
    const url = await httpServer(t, () => undefined);
    const controller = new AbortController();
    const work = attempt(t, url, {}, controller.signal);
    setTimeout(() => controller.abort(new Error('job aborted')), 50);
    await assert.rejects(work, /job aborted/);
  });

  it('refuses private addresses, as literals in every spelling and after name resolution', async (t) => {
    let visits = 0;
    const url = await httpServer(t, (_, response) => {
      visits++;
      response.end('secret');
    });
    const { port } = new URL(url);
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '0.0.0.0',
      '2130706433',
      '0x7f.1',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
    ]) {
      await assert.rejects(
        attempt(t, `http://${host}:${port}/`, { allowPrivate: false }),
        { code: 'OTF_FETCH_REFUSED' },
        host,
      );
    }
    assert.equal(visits, 0);
  });

  it('refuses to be redirected from a public host to a private one', { skip: noNetworkOfItsOwn() }, () => {
    const script = fileURLToPath(new URL('./support/public-host.js', import.meta.url));
    const run = spawnSync(
      'unshare',
      ['-rn', 'sh', '-c', `${kPublicLoopback} && exec "$0" "$@"`, process.execPath, script, kPublic],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(run.status, 0, run.stderr);
    const { outcomes, insideVisits } = JSON.parse(run.stdout) as {
      outcomes: Record<string, string>;
      insideVisits: number;
    };
    const { '/image': image, '/self': self, ...redirected } = outcomes;
    assert.deepEqual([image, self], ['6 bytes', '6 bytes']);
    assert.equal(Object.keys(redirected).length, 4);
    for (const [path, code] of Object.entries(redirected)) assert.equal(code, 'OTF_FETCH_REFUSED', path);
    assert.equal(insideVisits, 0);
  });

  it('knows private addresses', () => {
    for (const address of [
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '224.0.0.1',
      'fe80::1%eth0',
      'fd00::1',
      '2002:7f00:1::',
      'x',
    ]) {
      assert.equal(isPrivateAddress(address), true, address);
    }
    for (const address of ['8.8.8.8', '172.32.0.1', '145.238.1.1', '2a00:1450::1'])
      assert.equal(isPrivateAddress(address), false, address);
  });

  it('opens files below the configured folders only, and says the same of all others', async (t) => {
    const dir = await tempDir(t);
    await mkdir(`${dir}/images`);
    await writeFile(`${dir}/images/a.fits`, 'a');
    await writeFile(`${dir}/secret`, 's');
    await symlink(`${dir}/secret`, `${dir}/images/link.fits`);
    const roots = [`${dir}/images`];
    const open = (path: string) => openableLocalPath(pathToFileURL(path), roots);
    assert.equal(await open(`${dir}/images/a.fits`), `${dir}/images/a.fits`);
    const messages = new Set<string>();
    for (const path of [
      'secret',
      'images/link.fits',
      'images/none.fits',
      'images',
      'images/../secret',
      'images-b/a.fits',
    ]) {
      await assert.rejects(open(`${dir}/${path}`), (error: Error) => Boolean(messages.add(error.message)), path);
    }
    assert.throws(() => localPath(new URL('file://host/etc/passwd'), ['/']), { code: 'OTF_FETCH_REFUSED' });
    assert.throws(() => localPath(new URL('file:///images%2Fa'), ['/']), { code: 'OTF_FETCH_REFUSED' });
    assert.equal(messages.size, 1);
  });
});
