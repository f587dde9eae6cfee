/** Files sent before a job is made of them: POST /uploads, and IMAGE=upload:ID. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Bench, bench, tempDir } from './service/bench.js';
import { floatData, header, imageCards, noise, skyCards } from './support/fits-writer.js';

const kSide = 40;

function image(): Buffer {
  const cards = header([...imageCards([kSide, kSide]), ['BUNIT', 'JY/BEAM'], ...skyCards(20)]);
  return Buffer.concat([cards, floatData(noise(kSide * kSide))]);
}

interface Told {
  id: string;
  href: string;
  name: string;
  size: number;
  expiresAt: string;
  header: { width: number; unit: string; wcs: { system: string; centre: { ra: string } } } | null;
  problem?: string;
}

function raw(at: Bench, bytes: Buffer, query = '', type = 'application/fits'): Promise<Response> {
  return at.send(`/uploads${query}`, {
    method: 'POST',
    body: new Uint8Array(bytes),
    headers: { 'content-type': type },
  });
}

function form(at: Bench, ...files: [field: string, bytes: Buffer, name: string][]): Promise<Response> {
  const body = new FormData();
  for (const [field, bytes, name] of files) body.append(field, new Blob([new Uint8Array(bytes)]), name);
  return at.send('/uploads', { method: 'POST', body });
}

async function kept(answer: Response): Promise<Told> {
  assert.equal(answer.status, 201, await answer.clone().text());
  const told = (await answer.json()) as Told;
  assert.equal(answer.headers.get('location'), told.href);
  return told;
}

async function told(at: Bench, id: string): Promise<Told> {
  const answer = await at.send(`/uploads/${id}`);
  assert.equal(answer.status, 200);
  return (await answer.json()) as Told;
}

describe('an upload', () => {
  it('comes as a form or as bytes, says what its header says, and gives its bytes back', async (t) => {
    const at = await bench(t);
    const bytes = image();
    const packed = gzipSync(bytes);
    const uploads = [
      await kept(await form(at, ['anything', bytes, '../../a\\b/field.fits'])),
      await kept(await raw(at, bytes, '?name=field.fits')),
      await kept(await raw(at, packed, '?NAME=field.fits.gz', 'application/gzip')),
    ];
    assert.deepEqual(
      uploads.map(({ name }) => name),
      ['field.fits', 'field.fits', 'field.fits.gz'],
    );
    for (const [index, { id, size }] of uploads.entries()) {
      const sent = index === 2 ? packed : bytes;
      assert.equal(size, sent.length);
      const { header: found } = await told(at, id);
      assert.equal(found?.width, kSide);
      assert.equal(found?.unit, 'JY/BEAM');
      assert.equal(found?.wcs.system, 'ICRS');
      assert.match(found?.wcs.centre.ra ?? '', /^10:00:2\d\.\d{4}$/);
      const back = await at.send(`/uploads/${id}/file`);
      assert.ok(Buffer.from(await back.arrayBuffer()).equals(sent));
      assert.match(back.headers.get('content-disposition') ?? '', /^attachment/);
    }
    assert.deepEqual(at.errors, []);
  });

  it('is whole whatever its part is called, where no request document is meant', async (t) => {
    const at = await bench(t);
    const bytes = Buffer.concat([image(), Buffer.alloc(1 << 20)]);
    for (const field of ['xml', 'XML'])
      assert.equal((await kept(await form(at, [field, bytes, 'a.fits']))).size, bytes.length);
    const body = new FormData();
    body.append('IMAGE', 'param:XML');
    body.append('XML', new Blob([new Uint8Array(bytes)]), 'a.fits');
    const answer = await at.send('/jobs', { method: 'POST', body });
    assert.equal(answer.status, 303);
    const id = answer.headers.get('location')?.split('/').pop();
    const back = await at.send(`/jobs/${id}/parameters/IMAGE`);
    assert.ok(Buffer.from(await back.arrayBuffer()).equals(bytes));
  });

  it('is what several jobs work on, and theirs when it is gone', async (t) => {
    const at = await bench(t);
    const bytes = image();
    const { id } = await kept(await raw(at, bytes, '?NAME=field.fits'));
    const jobs = await Promise.all(
      [1, 2].map(async () => {
        const answer = await at.form('/jobs', { IMAGE: `upload:${id}` });
        assert.equal(answer.status, 303, await answer.text());
        return answer.headers.get('location')?.split('/').pop();
      }),
    );
    assert.equal((await at.send(`/uploads/${id}`, { method: 'DELETE' })).status, 200);
    for (const path of ['', '/file', '/image', '/image/tiles/0/0_0.png'])
      assert.equal((await at.send(`/uploads/${id}${path}`)).status, 404, path);
    assert.equal((await at.send(`/uploads/${id}`, { method: 'DELETE' })).status, 404);
    for (const job of jobs) {
      const input = await at.send(`/jobs/${job}/parameters/IMAGE`);
      assert.ok(Buffer.from(await input.arrayBuffer()).equals(bytes));
      assert.match(input.headers.get('content-disposition') ?? '', /field\.fits/);
    }
    const gone = await at.form('/jobs', { IMAGE: `upload:${id}` });
    assert.equal(gone.status, 400);
    assert.match(await gone.text(), /upload:.*no such upload/);
    const wrong = await at.form('/jobs', { IMAGE: 'upload:../jobs' });
    assert.equal(wrong.status, 400);
    assert.deepEqual(await readdir(join(at.dataDir, 'uploads')), []);
  });

  it('that is no image is kept, and says why it cannot be read', async (t) => {
    const at = await bench(t);
    const { id } = await kept(await raw(at, Buffer.from('GIF89a and so on')));
    const { header: nothing, problem } = await told(at, id);
    assert.equal(nothing, null);
    assert.match(problem ?? '', /not a FITS file/);
    assert.ok(!problem?.includes(at.dataDir), problem);
    const picture = await at.send(`/uploads/${id}/image`);
    assert.equal(picture.status, 422);
    const cut = await kept(await raw(at, gzipSync(image()).subarray(0, 500), '', 'application/gzip'));
    assert.match((await told(at, cut.id)).problem ?? '', /gzip data end too early/);
  });

  it('is refused when it is none, too large or too much, and leaves nothing then', async (t) => {
    const at = await bench(t, {}, { server: { max_upload_mb: 0.02 }, uploads: { per_owner: 3, owner_mb: 0.025 } });
    const bytes = image();
    const refused = async (answer: Promise<Response>, status: number, says: RegExp) => {
      const { status: came } = await answer;
      const text = await (await answer).text();
      assert.equal(came, status, text);
      assert.match(text, says);
      return (await answer).headers;
    };
    await refused(form(at, ['a', bytes, 'a.fits'], ['b', bytes, 'b.fits']), 400, /one file; this request has 2/);
    await refused(form(at), 400, /one file/);
    await refused(raw(at, Buffer.alloc(0)), 400, /one file/);
    await refused(raw(at, bytes, '', 'text/html'), 415, /application\/fits/);
    await refused(raw(at, Buffer.alloc(22_000)), 413, /larger than/);
    await refused(at.send('/uploads'), 405, /POST/);
    await kept(await raw(at, bytes));
    await kept(await raw(at, bytes));
    const headers = await refused(raw(at, bytes), 503, /more than 0.025 MB/);
    assert.ok(Number(headers.get('retry-after')) > 0);
    await kept(await raw(at, Buffer.from('x')));
    await refused(raw(at, Buffer.from('x')), 503, /you have 3 uploads/);
    assert.equal((await readdir(join(at.dataDir, 'uploads'))).length, 3);
    assert.deepEqual(await readdir(join(at.dataDir, 'jobs')), []);
    assert.deepEqual(at.errors, []);
  });

  it('counts with what jobs keep', async (t) => {
    const at = await bench(t, {}, { storage: { max_mb: 0.02 } });
    await kept(await raw(at, image()));
    const job = await at.form('/jobs', { IMAGE: 'http://example.org/a.fits' });
    assert.equal(job.status, 303);
    assert.equal((await raw(at, image())).status, 503);
    const body = new FormData();
    body.append('IMAGE', new Blob([new Uint8Array(image())]), 'field.fits');
    const full = await at.send('/jobs', { method: 'POST', body });
    assert.equal(full.status, 503);
    assert.match(await full.text(), /keeps as much as it may/);
  });

  it('survives a restart, expires, and what is no upload goes', async (t) => {
    const dataDir = await tempDir(t);
    const first = await bench(t, {}, {}, dataDir);
    const { id } = await kept(await raw(first, image(), '?NAME=field.fits'));
    const damaged = await kept(await raw(first, image()));
    await first.server.stop();
    await writeFile(join(dataDir, 'uploads', damaged.id, 'upload.json'), '{"version":');

    const second = await bench(t, {}, { uploads: { expire_s: 0.3 } }, dataDir);
    assert.equal((await told(second, id)).name, 'field.fits');
    assert.equal((await second.send(`/uploads/${damaged.id}`)).status, 404);
    assert.deepEqual(await readdir(join(dataDir, 'uploads')), [id]);
    const short = await kept(await raw(second, image()));
    while ((await second.send(`/uploads/${short.id}`)).status === 200) await pause(50);
    assert.equal((await second.send(`/uploads/${id}`)).status, 200);
    await second.server.stop();
    const third = await bench(t, {}, {}, dataDir);
    assert.deepEqual(await readdir(join(dataDir, 'uploads')), [id]);
    assert.deepEqual(third.errors, []);
  });
});
