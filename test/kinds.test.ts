/** Another kind of task than detection: a folder (test/statistics) and a line in src/tasks/kinds.ts, and nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Sqlite } from '#otf/jobs/sqlite.js';
import { runCli, scratchDir } from './support/cli.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';
import { statisticsModels, statisticsProgram } from './support/statistics.js';

const kSizePx = 300;

/** Of the 32-bit floats of a plain image. */
function statistics(image: Buffer, clip = Number.POSITIVE_INFINITY) {
  const from = image.length - Math.ceil((kSizePx ** 2 * 4) / 2880) * 2880;
  const pixels = Array.from({ length: kSizePx ** 2 }, (_, at) => image.readFloatBE(from + at * 4)).filter(
    (value) => value <= clip,
  );
  const sum = pixels.reduce((all, value) => all + value, 0);
  const max = pixels.reduce((most, value) => Math.max(most, value));
  return { pixels: pixels.length, mean: sum / pixels.length, max };
}

async function row(server: TestServer, id: string): Promise<Record<string, string | number>> {
  const { rows } = JSON.parse(await server.text(`/jobs/${id}/results/json`)) as {
    rows: Record<string, string | number>[];
  };
  assert.equal(rows.length, 1);
  return rows[0] ?? {};
}

function close(actual: unknown, wanted: number): void {
  assert.ok(Math.abs(Number(actual) - wanted) <= 1e-9 * Math.abs(wanted), `${actual}, not ${wanted}`);
}

describe('a kind of task that is a folder and a line', () => {
  let image: Buffer;
  before(async () => {
    image = await field(scratchDir(), kSizePx, 11);
  });

  it('goes the whole way of a job, beside detections', async (t) => {
    const [root, dir, dataDir] = [await statisticsProgram(t), await statisticsModels(t), await tempDir(t)];
    const env = { CIANNA_OTF_POLICY_MAX_WAIT_S: '0.5' };
    const server = await startTestServer(t, { root, models: dir, dataDir, env });
    const asked = [{ CLIP: '1e-6', LABEL: 'Long' }, {}, { RESPONSEFORMAT: 'text' }] as Record<string, string>[];
    const ids = await Promise.all(asked.map((fields) => server.submit({ MODEL: 'pixels', ...fields }, image)));
    const detection = await server.submit({ MODEL: 'demo-continuum' }, image);
    const jobs = await Promise.all([...ids, detection].map((id) => server.until(id, 'COMPLETED')));

    const [clipped = '', whole = '', text = ''] = ids;
    const [all, some] = [statistics(image), statistics(image, 1e-6)];
    const found = await row(server, whole);
    assert.equal(found.label, 'short');
    for (const key of ['pixels', 'mean', 'max'] as const) close(found[key], all[key]);
    const part = await row(server, clipped);
    assert.equal(part.label, 'long');
    for (const key of ['pixels', 'mean', 'max'] as const) close(part[key], some[key]);
    assert.ok(some.pixels < all.pixels);
    // The network saw the same blocks in both, filled alike.
    assert.ok(Number(found.response) > 0);
    assert.equal(found.response, part.response);

    const [, , , detected] = jobs;
    assert.ok(
      jobs.slice(0, 3).some((job) => Number(job.info.batchSize) > 1),
      'none shared a batch',
    );
    assert.deepEqual([jobs[0]?.info.blocksDone, jobs[0]?.info.blocksTotal], ['4', '4']);
    assert.deepEqual([detected?.info.tilesTotal, detected?.info.model], ['4', 'demo-continuum']);
    assert.match(
      await server.text(`/jobs/${clipped}/results/log`),
      /warn pixels above 0.000001 are left out.*pixels in 4 blocks/s,
    );

    await describesItself(server, clipped);
    await givesItsFormats(server, { whole, text });
    await refusesWhatIsOfOthers(server, image);
    assert.equal(await server.stop(), 0);

    const database = new Sqlite(join(dataDir, 'otf.sqlite'), { readonly: true });
    const kinds = database.prepare('SELECT kind, count(*) AS jobs FROM job GROUP BY kind ORDER BY kind').all();
    database.close();
    assert.deepEqual(kinds, [
      { kind: 'detector', jobs: 1 },
      { kind: 'statistics', jobs: 3 },
    ]);

    const again = await startTestServer(t, { root, models: dir, dataDir });
    close((await row(again, whole)).mean, all.mean);
    assert.match(await again.text(`/jobs/${detection}/results/reg`), /DS9/);
  });

  async function describesItself(server: TestServer, id: string): Promise<void> {
    const parameters = await server.text(`/jobs/${id}/parameters`);
    assert.match(parameters, /id="CLIP">0.000001<.*id="LABEL">long</s);
    assert.match(parameters, /id="IMAGE" byReference="true"/);
    const links = await server.text(`/links?ID=${id}`);
    assert.match(links, /pixel statistics as txt/);
    assert.match(links, /the image whose pixels were counted/);
    const provenance = JSON.parse(await server.text(`/jobs/${id}/results/provjson`)) as Record<
      string,
      Record<string, Record<string, unknown>>
    >;
    const run = provenance.activity?.[`otf:job-${id}`] ?? {};
    assert.equal(run['voprov:name'], 'pixel statistics');
    assert.deepEqual([run['otf:clip'], run['otf:model']], ['0.000001', 'pixels']);
    assert.equal(provenance.entity?.[`otf:job-${id}-image`]?.['otf:extent'], `${kSizePx}x${kSizePx}`);
    const roles = Object.values(provenance.wasGeneratedBy ?? {}).map((each) => each['prov:role']);
    assert.ok(roles.includes('statistics'), roles.join());

    const openapi = JSON.parse(await server.text('/openapi.json')) as {
      info: { description: string };
      paths: Record<string, { post: { requestBody: { content: Record<string, { schema: { properties: object } }> } } }>;
    };
    assert.match(openapi.info.description, /^Source detection, reconstruction of transients, pixel statistics over/);
    const fields = openapi.paths['/jobs']?.post.requestBody.content['multipart/form-data']?.schema.properties as
      | Record<string, Record<string, unknown>>
      | undefined;
    assert.equal(fields?.CLIP?.type, 'number');
    assert.deepEqual([fields?.CLIP?.minimum, fields?.CLIP?.['x-unit']], [0, 'Jy/beam']);
    assert.deepEqual(fields?.LABEL?.enum, ['short', 'long']);
    assert.equal(fields?.HDU?.type, 'integer');
  }

  async function givesItsFormats(server: TestServer, { whole, text }: Record<'whole' | 'text', string>): Promise<void> {
    for (const format of ['votable', 'votable-binary2', 'fits', 'csv']) {
      const answer = await server.send(`/jobs/${whole}/results/result?RESPONSEFORMAT=${format}`);
      assert.equal(answer.status, 200, format);
      assert.ok((await answer.arrayBuffer()).byteLength > 60, format);
    }
    // No celestial column, no frame.
    assert.match(await server.text(`/jobs/${whole}/results/csv`), /^label,pixels,mean,min,max,response\r\n/);
    assert.match(await server.text(`/jobs/${text}/results/result`), /^short: 90000 pixels/);
    assert.equal((await server.send(`/jobs/${whole}/results/reg`)).status, 404);
    assert.equal((await server.send(`/jobs/${whole}/results/result?RESPONSEFORMAT=reg`)).status, 400);
  }

  async function refusesWhatIsOfOthers(server: TestServer, bytes: Buffer): Promise<void> {
    const refused = async (fields: Record<string, string>, says: RegExp) => {
      const answer = await server.post(fields, bytes);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), says);
    };
    await refused({ MODEL: 'pixels', BOX: '1,1,9,9' }, /BOX means nothing to the model pixels: pixel statistics/);
    await refused({ MODEL: 'pixels', ROI_W: '9' }, /ROI_W means nothing/);
    await refused({ MODEL: 'demo-continuum', CLIP: '1' }, /CLIP means nothing to the model demo-continuum/);
    await refused({ MODEL: 'pixels', RESPONSEFORMAT: 'reg' }, /unknown RESPONSEFORMAT reg/);
    await refused({ MODEL: 'pixels', CLIP: '-1' }, /CLIP=-1: not a number from 0/);
    await refused({ MODEL: 'pixels', LABEL: 'wide' }, /LABEL=wide: not one of short, long/);
    // A PENDING job that becomes one of another kind is asked anew.
    const id = await server.submit({ PHASE: '', MODEL: 'demo-continuum', BOX: '1,1,99,99' }, bytes);
    const change = { method: 'POST', body: new URLSearchParams({ MODEL: 'pixels', CLIP: '2e-6', PHASE: 'RUN' }) };
    assert.equal((await server.send(`/jobs/${id}/parameters`, change)).status, 303);
    await server.until(id, 'COMPLETED');
    const parameters = await server.text(`/jobs/${id}/parameters`);
    assert.ok(parameters.includes('CLIP') && !parameters.includes('BOX'), parameters);
    await server.send(`/jobs/${id}`, { method: 'DELETE' });
  }

  it('is known to the commands', async (t) => {
    const [root, dir] = [await statisticsProgram(t), await statisticsModels(t)];
    const server = await startTestServer(t, { root, models: dir });
    const run = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/cianna-otf.js'), ...args], {
        encoding: 'utf8',
      });
      return { code: status, stdout, stderr };
    };
    assert.match(run('submit', '--help').stdout, /--clip <x>.*--label <name>/s);
    const path = join(dir, 'field.fits');
    await writeFile(path, image);
    const args = ['submit', path, '--server', server.url, '--model', 'pixels', '--clip', '1e-6', '--wait'];
    const sent = run(...args, '--format', 'txt', '-o', join(dir, 'out'));
    assert.equal(sent.code, 0, sent.stderr);
    assert.match(run('models', 'list', '--models', dir).stdout, /pixels\s+statistics/);
    assert.match(run('detect', path, '--models', dir, '--model', 'pixels').stderr, /model pixels is no detector/);
  });

  it('is unknown to a program without the line', async (t) => {
    const { code, stderr } = runCli(['models', 'list', '--models', await statisticsModels(t)], scratchDir());
    assert.equal(code, 1);
    assert.match(stderr, /pixels\/model\.toml: kind: expected "detector"/);
  });
});
