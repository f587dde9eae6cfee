/** HDU, PLANE, PIXEL_UNIT and BEAM of a job are the options of detect. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCli, scratchDir } from './support/cli.js';
import { FieldImage } from './support/field-image.js';
import { startTestServer } from './support/server.js';

describe('a job that chooses its image', () => {
  it('gives what detect gives, with all of it in parameters and provenance', async (t) => {
    const dir = scratchDir();
    const field = await FieldImage.simulate(dir);
    const cube = field.bytes({ axes: ['X', 'Y', 3], plane: 1, scale: 1000, cards: ["BUNIT   = 'K'"], primary: [] });
    writeFileSync(join(dir, 'cube.fits'), cube);
    field.withPixels(() => 0.25).write('beam.fits');
    const choice = ['--hdu', '1', '--plane', '1', '--pixel-unit', 'mJy/beam', '--beam', 'beam.fits'];
    const own = runCli(['detect', 'cube.fits', '--format', 'csv', '-o', '-', ...choice], dir);
    assert.equal(own.code, 0, own.stderr);
    assert.match(own.stdout, /flux_corrected/);
    const rows = own.stdout.split('\r\n').slice(1, -1);
    assert.ok(rows.length > 30);

    const server = await startTestServer(t);
    const sent = runCli(['submit', 'cube.fits', '--server', server.url, '--json', '--wait', ...choice], dir);
    assert.equal(sent.code, 0, sent.stderr);
    const [{ id }] = JSON.parse(sent.stdout) as [{ id: string }];
    assert.equal(await server.text(`/jobs/${id}/results/csv`), own.stdout);
    const parameters = await server.text(`/jobs/${id}/parameters`);
    for (const [name, value] of Object.entries({ HDU: '1', PLANE: '1', PIXEL_UNIT: 'mJy/beam' })) {
      assert.match(parameters, new RegExp(`id="${name}">${value}<`));
    }
    assert.match(parameters, /id="BEAM" byReference="true"/);
    const beam = await server.send(`/jobs/${id}/parameters/BEAM`);
    assert.equal((await beam.arrayBuffer()).byteLength, field.bytes({}).length);
    const provenance = await server.text(`/jobs/${id}/results/provjson`);
    for (const words of ['primary beam', 'beam.fits', 'mJy/beam', 'pixel_factor'])
      assert.ok(provenance.includes(words), words);
    const log = await server.text(`/jobs/${id}/results/log`);
    assert.ok(!log.includes(server.dataDir), log);
  });

  it('refuses what cannot be meant', async (t) => {
    const dir = scratchDir();
    const field = await FieldImage.simulate(dir, 64);
    const server = await startTestServer(t);
    const wrong = { HDU: '-1', PLANE: 'first', PIXEL_UNIT: ' ', BEAM: 'ftp://somewhere/beam.fits' };
    for (const [name, value] of Object.entries(wrong)) {
      const answer = await server.post({ [name]: value }, field.bytes({}));
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), new RegExp(name));
    }
    const failing = async (fields: Record<string, string>, image: Buffer) =>
      (await server.until(await server.submit(fields, image), 'ERROR')).error;
    assert.match(await failing({ HDU: '3' }, field.bytes({})), /field.fits has no HDU 3/);
    assert.match(await failing({ PLANE: '3' }, field.bytes({})), /field.fits has no plane 3/);
    assert.match(await failing({ PIXEL_UNIT: 'K' }, field.bytes({})), /K, the network was trained in Jy\/beam/);
    assert.match(
      await failing({}, field.bytes({ cards: ["BUNIT   = 'K'"] })),
      /field.fits: its pixels are in K \(BUNIT\)/,
    );
  });
});
