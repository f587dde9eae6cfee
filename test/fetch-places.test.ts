/** Data from anywhere: several addresses of one file, checksums of any of three kinds, WebDAV doors, object stores. */
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { readDigestHeader, Summing } from '#otf/fetch/digests.js';
import { type FetchLimits, fetchImage } from '#otf/fetch/fetch-image.js';
import { type Places, placeOf, type S3Credentials } from '#otf/fetch/places.js';
import { bench } from './service/bench.js';
import { adler32 } from './support/adler32.js';
import { httpServer } from './support/http-server.js';
import { kNoRclone, rcloneDoor } from './support/rclone.js';
import { field, startTestServer, tempDir } from './support/server.js';
import { kNoXrootd, webdavDoor } from './support/xrootd.js';

const kBytes = randomBytes(300_000);
const kLimits: FetchLimits = { allowPrivate: true, maxBytes: 1 << 20, maxRedirects: 2, timeoutMs: 30_000 };
const sumOf = (name: string, bytes: Buffer = kBytes) => createHash(name).update(bytes).digest('hex');

async function fetched(t: TestContext, addresses: string | string[], more: Partial<FetchLimits> = {}) {
  const path = join(await tempDir(t), 'file');
  const { sha256, size } = await fetchImage(addresses, path, { ...kLimits, ...more }, new AbortController().signal);
  assert.equal(sha256, sumOf('sha256', await readFile(path)));
  return size;
}

describe('checksums', () => {
  it('are those of zlib, OpenSSL and the header of a site, whatever the pieces', () => {
    for (const size of [0, 1, 5552, 5553, 300_000]) {
      const bytes = randomBytes(size);
      const sums = new Summing(['adler32', 'md5', 'sha256']);
      for (let at = 0; at < size; at += 1013) sums.update(bytes.subarray(at, at + 1013));
      const found = sums.end();
      assert.equal(found.adler32, adler32(bytes), `${size}`);
      assert.equal(found.md5, sumOf('md5', bytes));
      assert.equal(found.sha256, sumOf('sha256', bytes));
    }
    const white = Buffer.alloc(1 << 20, 0xff);
    const sums = new Summing(['adler32']);
    sums.update(white);
    assert.equal(sums.end().adler32, adler32(white), 'the largest sums there can be');
    const md5 = Buffer.from('0123456789abcdef0123456789abcdef', 'hex').toString('base64');
    assert.deepEqual(readDigestHeader(`ADLER32=3da0195, md5=${md5},crc32c=x, sha-256=short`), {
      adler32: '03da0195',
      md5: '0123456789abcdef0123456789abcdef',
    });
  });

  it('asked for must be met, and so must what a site says of its file', async (t) => {
    const url = await httpServer(t, (request, response) => {
      const told = request.url === '/wrong' ? '00000001' : adler32(kBytes);
      const asked = request.headers['want-digest'];
      response.writeHead(200, asked?.includes('adler32') ? { digest: `adler32=${told}` } : {}).end(kBytes);
    });
    const digests = { md5: sumOf('md5'), adler32: adler32(kBytes), sha256: sumOf('sha256') };
    assert.equal(await fetched(t, `${url}/a`, { digests }), kBytes.length);
    const wrong = fetched(t, `${url}/a`, { digests: { md5: '0'.repeat(32) } });
    await assert.rejects(wrong, { code: 'OTF_IMAGE_CHECKSUM', message: /md5 \w{12}, not 0{12}: it was changed/ });
    assert.equal(await fetched(t, `${url.replace('http', 'dav')}/a`), kBytes.length);
    await assert.rejects(fetched(t, `${url.replace('http', 'dav')}/wrong`), { code: 'OTF_IMAGE_CHECKSUM' });
    // A plain address is not asked: what a web server means by the header is its own business.
    assert.equal(await fetched(t, `${url}/wrong`), kBytes.length);
  });
});

describe('several addresses of one file', () => {
  it('are tried in order: away, refused, damaged, and the one that gives it', async (t) => {
    const asked: string[] = [];
    const url = await httpServer(t, (request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/gone') response.writeHead(404).end();
      else response.end(request.url === '/damaged' ? kBytes.subarray(1) : kBytes);
    });
    const digests = { sha256: sumOf('sha256') };
    const addresses = [`${url}/gone`, 'ftp://127.0.0.1/a', `${url}/damaged`, `${url}/good`, `${url}/never`];
    assert.equal(await fetched(t, addresses, { digests }), kBytes.length);
    assert.deepEqual(asked, ['/gone', '/damaged', '/good']);
    await assert.rejects(fetched(t, [`${url}/good`, `${url}/gone`], { maxBytes: 1000 }), {
      code: 'OTF_FETCH_TOO_LARGE',
    });
  });

  it('are given with a job, shown without what opens them, and used by it', async (t) => {
    const image = await field(await tempDir(t), 256);
    const url = await httpServer(t, (request, response) => {
      if (request.url === '/b.fits?sig=S3cret') response.end(image);
      else response.writeHead(404).end();
    });
    const server = await startTestServer(t, { env: { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' } });
    const fields = {
      IMAGE: `${url}/a.fits`,
      IMAGE_MIRRORS: `${url}/b.fits?sig=S3cret`,
      IMAGE_MD5: sumOf('md5', image),
    };
    const id = await server.submit({ ...fields, IMAGE_ADLER32: adler32(image).toUpperCase() });
    const { xml } = await server.until(id, 'COMPLETED');
    assert.ok(xml.includes(`<uws:parameter id="IMAGE_MIRRORS">${url}/b.fits?***</uws:parameter>`), xml);
    assert.ok(xml.includes(`"IMAGE_ADLER32">${adler32(image)}<`) && !xml.includes('S3cret'));
    // The records name the one that gave it.
    for (const result of ['provjson', 'log']) {
      const text = await server.text(`/jobs/${id}/results/${result}`);
      assert.ok(text.includes(`${url}/b.fits?***`) && !text.includes('S3cret'), text);
      assert.ok(!text.includes(`${url}/a.fits`), text);
    }
    const other = await server.submit({ ...fields, IMAGE_ADLER32: '00000001' });
    assert.match((await server.until(other, 'ERROR')).error, /adler32 \w{8}, not 00000001/);
  });

  it('and checksums are refused where they mean nothing', async (t) => {
    const b = await bench(t);
    const image = { IMAGE: 'https://example.org/a.fits' };
    const bad: [Record<string, string>, RegExp][] = [
      [{ ...image, IMAGE_MIRRORS: 'ftp://example.org/a' }, /IMAGE_MIRRORS: ftp: URLs are not accepted/],
      [{ ...image, IMAGE_MIRRORS: 'https://u:p@example.org/a' }, /user name/],
      [{ ...image, IMAGE_MIRRORS: Array(9).fill('https://example.org/a').join(' ') }, /more than 8/],
      [{ ...image, IMAGE_MD5: 'abc' }, /IMAGE_MD5 is not 32 hexadecimal digits/],
      [{ ...image, IMAGE_ADLER32: 'abc' }, /IMAGE_ADLER32 is not 8/],
      [{ IMAGE_MD5: '0'.repeat(32) }, /IMAGE_MD5 goes with a URL/],
    ];
    for (const [fields, pattern] of bad) {
      const answer = await b.form('/jobs', fields);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), pattern);
    }
  });
});

const kKeys = { accessKey: 'AKIATEST', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', region: 'eu-west-9' };

/** Signature version 4, from AWS's description of it, for a GET without a body. True = it was made with our keys. */
function isSigned({ url = '', headers }: IncomingMessage): boolean {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=(\S+), Signature=(\w+)$/;
  const [, access, day = '', region = '', names = '', signature] = pattern.exec(headers.authorization ?? '') ?? [];
  if (access !== kKeys.accessKey || region !== kKeys.region) return false;
  const [path = '', query = ''] = url.split('?');
  const canonical = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const hashed = headers['x-amz-content-sha256'] as string;
  const request = ['GET', path, query, canonical.join(''), names, hashed].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sumOf('sha256', Buffer.from(request))].join('\n');
  const sign = (key: string | Buffer, what: string) => createHmac('sha256', key).update(what).digest();
  const key = ['s3', 'aws4_request'].reduce(sign, sign(sign(`AWS4${kKeys.secretKey}`, day), region));
  return sign(key, text).toString('hex') === signature && names.includes('host');
}

describe('an object store', () => {
  const store = async (t: TestContext) => {
    let cuts = 1;
    return httpServer(t, (request, response) => {
      if (!isSigned(request)) return response.writeHead(403).end();
      if (request.url === '/sky/moved') return response.writeHead(307, { location: 'https://elsewhere/' }).end();
      if (request.url !== '/sky/a%20b/c%2Bd.fits') return response.writeHead(404).end();
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${from}-${kBytes.length - 1}/${kBytes.length}`, etag: '"1"' };
      response.writeHead(from > 0 ? 206 : 200, { ...range, 'content-length': kBytes.length - from });
      if (cuts-- <= 0) return response.end(kBytes.subarray(from));
      response.write(kBytes.subarray(from, from + 1000));
      return setTimeout(() => response.destroy(), 50);
    });
  };
  const at = (endpoint: string, more: Partial<S3Credentials> = {}): Places => ({
    owner: 'ada',
    s3: [{ ...kKeys, endpoint, buckets: ['sky'], writable: [], owners: [], ...more }],
  });

  it('gives an object to requests signed with the keys of its bucket, also after a cut, also at a private address', async (t) => {
    const places = at(await store(t));
    const size = await fetched(t, 's3://sky/a%20b/c%2Bd.fits', { places, allowPrivate: false });
    assert.equal(size, kBytes.length);
    await assert.rejects(fetched(t, 's3://sky/none', { places }), {
      message: 'cannot fetch s3://sky/none: the server answered 404',
    });
    await assert.rejects(fetched(t, 's3://sky/moved', { places }), /it lies elsewhere: set the endpoint or region/);
  });

  it('gives it to nobody else: another bucket, another owner, a redirect of a stranger', async (t) => {
    const endpoint = await store(t);
    const refused = { code: 'OTF_FETCH_REFUSED', message: /no credentials for you and that bucket/ };
    await assert.rejects(fetched(t, 's3://other/a', { places: at(endpoint) }), refused);
    await assert.rejects(fetched(t, 's3://sky/a', { places: { ...at(endpoint, { owners: ['bob'] }) } }), refused);
    await assert.rejects(
      fetched(t, 's3://sky/a', { places: { ...at(endpoint, { owners: ['ada'] }), owner: null } }),
      refused,
    );
    await assert.rejects(fetched(t, 's3://SKY/../sky/a', { places: at(endpoint) }), refused);
    const stranger = await httpServer(t, (_, response) =>
      response.writeHead(302, { location: 's3://sky/a%20b/c%2Bd.fits' }).end(),
    );
    await assert.rejects(fetched(t, stranger, { places: at(endpoint) }), {
      code: 'OTF_FETCH_REFUSED',
      message: /a redirect to s3/,
    });
    const { url } = await placeOf('s3://sky/../other/a', at(endpoint));
    assert.ok(url.pathname.startsWith('/sky/'), url.href);
  });

  it('is no way into another bucket, for reading or for putting, however the way out is spelt', async () => {
    const places = at('https://store.example.org/base', { writable: ['sky'] });
    const ways = [
      '..\\secret\\a',
      'b\\..\\..\\secret',
      '.%2e\\secret',
      '..%2fsecret',
      '%2E%2E%2Fsecret',
      '..%5Csecret',
      'a%2f..',
    ];
    for (const way of [...ways, '\\..\\secret', 'a\\b.fits', '%ff']) {
      for (const put of [undefined, { sha256: sumOf('sha256') }]) {
        const refused = { code: 'OTF_FETCH_REFUSED', message: /^s3:\/\/sky: an object's name has no "\.\."/ };
        await assert.rejects(placeOf(`s3://sky/${way}`, places, put), refused, way);
      }
    }
    for (const name of ['a%5Cb', 'a..b/..c', '%2e%2e/other', 'a%2Fb', 'a+b%20c', '..%20', '/a//b']) {
      const { url } = await placeOf(`s3://sky/${name}`, places);
      assert.ok(url.pathname.startsWith('/base/sky/'), url.href);
    }
  });

  it('is configured by name, with its key in a file', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 256);
    const endpoint = await httpServer(t, (request, response) => {
      if (isSigned(request)) response.end(image);
      else response.writeHead(403).end();
    });
    await writeFile(join(dir, 'key'), `${kKeys.secretKey}\n`);
    const toml = `[fetch.s3.archive]\nendpoint = "${endpoint}"\nregion = "${kKeys.region}"\naccess_key = "${kKeys.accessKey}"
secret_key_file = "${join(dir, 'key')}"\nbuckets = ["sky"]\n`;
    await writeFile(join(dir, 'otf.toml'), toml);
    const { fetch } = await loadConfig({ file: join(dir, 'otf.toml') });
    assert.deepEqual(Object.keys(fetch.s3), ['archive']);
    const server = await startTestServer(t, { config: join(dir, 'otf.toml') });
    const id = await server.submit({ IMAGE: 's3://sky/night/a.fits' });
    await server.until(id, 'COMPLETED');
    assert.match(await server.text(`/jobs/${id}/results/provjson`), /s3:\/\/sky\/night\/a\.fits/);
    const none = await server.submit({ IMAGE: 's3://elsewhere/a.fits' });
    assert.match((await server.until(none, 'ERROR')).error, /no credentials for you/);
    assert.ok(!server.log.join('').includes(kKeys.secretKey));
  });
});

describe('the WebDAV door of an xrootd', { skip: kNoXrootd }, () => {
  it('gives a file with the ADLER32 the site keeps of it, and refuses one that has another', async (t) => {
    const dir = await tempDir(t);
    const host = await webdavDoor(t, dir);
    await writeFile(join(dir, 'data/a.fits'), kBytes);
    assert.equal(await fetched(t, `dav://${host}/a.fits`, { digests: { adler32: adler32(kBytes) } }), kBytes.length);
    await assert.rejects(fetched(t, `dav://${host}/a.fits`, { digests: { md5: '0'.repeat(32) } }), {
      code: 'OTF_IMAGE_CHECKSUM',
    });
    await assert.rejects(fetched(t, `dav://${host}/none.fits`), { code: 'OTF_FETCH_FAILED', message: /answered 404/ });
  });
});

describe('a folder that rclone serves', { skip: kNoRclone }, () => {
  it('gives a file, and refuses one that has another checksum than was asked for', async (t) => {
    const dir = await tempDir(t);
    const host = await rcloneDoor(t, dir);
    await writeFile(join(dir, 'a.fits'), kBytes);
    assert.equal(await fetched(t, `dav://${host}/a.fits`, { digests: { adler32: adler32(kBytes) } }), kBytes.length);
    const wrong = { digests: { md5: '0'.repeat(32) } };
    await assert.rejects(fetched(t, `dav://${host}/a.fits`, wrong), { code: 'OTF_IMAGE_CHECKSUM' });
    await assert.rejects(fetched(t, `dav://${host}/none.fits`), { code: 'OTF_FETCH_FAILED', message: /answered 404/ });
  });
});
