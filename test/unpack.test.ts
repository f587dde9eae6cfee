/** Images in gzip, wherever one is taken: by the command, uploaded, fetched, as a primary beam; and what is no image. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isGzip, unpack } from '#otf/fetch/unpack.js';
import { runCli, scratchDir } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { FieldImage } from './support/field-image.js';
import { noise } from './support/fits-writer.js';
import { startTestServer } from './support/server.js';

const kNoLimits = { maxBytes: Number.POSITIVE_INFINITY, maxRatio: Number.POSITIVE_INFINITY };

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('unpacking', () => {
  const dir = scratchDir();
  const from = join(dir, 'packed');
  const to = join(dir, 'plain');
  const unpacked = (bytes: Buffer, limits = kNoLimits) => {
    writeFileSync(from, bytes);
    return unpack(from, to, 'field.fits.gz', limits);
  };

  it('gives the bytes back, of one member and of several', async () => {
    const text = Buffer.from('a field of sources'.repeat(5000));
    assert.equal(await unpacked(gzipSync(text)), text.length);
    assert.deepEqual(readFileSync(to), text);
    await unpacked(Buffer.concat([gzipSync(text), gzipSync(text)]));
    assert.equal(readFileSync(to).length, 2 * text.length);
    assert.equal(await isGzip(from), true);
    assert.equal(await isGzip(to), false);
    assert.equal(await isGzip(dir), false);
    assert.equal(await isGzip(join(dir, 'nothing')), false);
  });

  it('stops at its limits and leaves nothing', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 2 ** 20));
    const refused = (limits: typeof kNoLimits, message: RegExp) =>
      assert.rejects(unpacked(bomb, limits), { code: 'OTF_TOO_LARGE', message });
    await refused({ ...kNoLimits, maxBytes: 2 ** 20 }, /^field.fits.gz unpacks to more than 1 MB/);
    await refused({ ...kNoLimits, maxRatio: 100 }, /more than 100 times its packed size/);
    assert.ok(!readdirSync(dir).includes('plain'));
  });

  it('tells a cut file from a damaged one', async () => {
    const packed = gzipSync(Buffer.from(noise(20_000).buffer));
    await assert.rejects(unpacked(packed.subarray(0, 1000)), {
      code: 'OTF_FITS_TRUNCATED',
      message: /^field.fits.gz: /,
    });
    packed.fill(0xff, 200, 300);
    await assert.rejects(unpacked(packed), { code: 'OTF_FITS_UNREADABLE', message: /^field.fits.gz: / });
    await assert.rejects(unpack(from, join(dir, 'no/such/folder'), 'a.gz', kNoLimits), {
      code: 'OTF_OUTPUT_UNWRITABLE',
    });
  });
});

describe('images in gzip', () => {
  it('give the same catalogue as unpacked, the checksum of what was given, and leave nothing', async () => {
    const dir = scratchDir();
    const field = await FieldImage.simulate(dir);
    const packed = gzipSync(field.bytes({}));
    field.write('field.fits');
    writeFileSync(join(dir, 'field.fits.gz'), packed);
    writeFileSync(join(dir, 'beam.fits.gz'), gzipSync(field.withPixels(() => 0.5).bytes({})));
    mkdirSync(join(dir, 'tmp'));
    const env = { TMPDIR: join(dir, 'tmp') };
    const run = (image: string, ...more: string[]) =>
      runCli(['detect', image, '--format', 'csv', '-o', '-', ...more], dir, env);
    const plain = run('field.fits');
    assert.equal(plain.code, 0, plain.stderr);
    assert.ok(plain.stdout.split('\n').length > 30);
    assert.equal(run('field.fits.gz').stdout, plain.stdout);
    const json = runCli(
      ['detect', 'field.fits.gz', '--json', '--preview', 'p.png', '--beam', 'beam.fits.gz'],
      dir,
      env,
    );
    assert.equal(json.code, 0, json.stderr);
    const { run: facts, output } = JSON.parse(json.stdout);
    assert.equal(facts.input, 'field.fits.gz');
    assert.equal(facts.input_sha256, sha256(packed));
    assert.equal(facts.primary_beam, 'beam.fits.gz');
    assert.equal(output, 'field.vot');
    assert.match(readFileSync(join(dir, 'field.vot'), 'utf8'), /flux_corrected/);
    assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
    writeFileSync(join(dir, 'cut.fits.gz'), packed.subarray(0, 9000));
    const cut = run('cut.fits.gz');
    assert.equal(cut.code, 1);
    assert.match(cut.stderr, /cut.fits.gz: its gzip data end too early/);
    assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
  });

  it('are taken by a server, uploaded or fetched, within its limits', async (t) => {
    const dir = scratchDir();
    const field = await FieldImage.simulate(dir);
    const plain = field.bytes({});
    const packed = gzipSync(plain);
    const server = await startTestServer(t, {
      env: { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true', CIANNA_OTF_FETCH_MAX_UNPACKED_MB: '1' },
    });
    const web = createServer((_, response) => response.end(packed));
    atEnd(t, () => web.close());
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as { port: number };
    const catalogue = async (id: string) => {
      await server.until(id, 'COMPLETED');
      return server.text(`/jobs/${id}/results/csv`);
    };
    const wanted = await catalogue(await server.submit({}, plain));
    const uploaded = await server.submit({ IMAGE_SHA256: sha256(packed) }, packed);
    assert.equal(await catalogue(uploaded), wanted);
    const fetched = await server.submit({ IMAGE: `http://127.0.0.1:${port}/field.fits.gz` });
    assert.equal(await catalogue(fetched), wanted);
    for (const id of [uploaded, fetched]) {
      assert.match(await server.text(`/jobs/${id}/results/provjson`), new RegExp(sha256(packed)));
      const left = readdirSync(join(server.dataDir, 'jobs', id));
      assert.ok(!left.some((name) => /unpacked|fetched/.test(name)), left.join(' '));
    }
    const bomb = await server.until(await server.submit({}, gzipSync(Buffer.alloc(2 ** 21))), 'ERROR');
    assert.match(bomb.error, /field.fits unpacks to more than 1 MB/);
    assert.equal(await catalogue(await server.submit({}, plain)), wanted);
  });
});
