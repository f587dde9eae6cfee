/** KEEP and FIND: the same rows in every format of every kind, by the numbers that the tables show. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FoundReconstruction } from '#otf/engine/addon.js';
import type { RowFilter } from '#otf/results/filter.js';
import { type Content, writeContent } from '#otf/results/serialise.js';
import { detectionContent } from '#otf/tasks/detection/content.js';
import { type DetectionFormat, kDetectionFormats } from '#otf/tasks/detection/formats.js';
import { reconstructionContent } from '#otf/tasks/reconstruction/content.js';
import { kReconstructionFormats, type ReconstructionFormat } from '#otf/tasks/reconstruction/formats.js';
import type { ReconstructionRecord } from '#otf/tasks/reconstruction/record.js';
import { Parameters } from '#otf/uws/parameters.js';
import { rowFilter } from '#otf/uws/row-filter.js';
import { fakeRecord } from './support/records.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';

interface Row {
  source_id: string;
  objectness: number;
  flux: number;
}

const kAnywhere = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** How many rows a file of a format has, told by the file itself. */
function countRows(format: string, bytes: Buffer): number {
  const text = bytes.toString('latin1');
  if (format.startsWith('votable')) return Number(/<TABLE [^>]*nrows="(\d+)"/.exec(text)?.[1]);
  if (format === 'fits') return Number(/NAXIS2 {2}= +(\d+)/.exec(text.slice(text.indexOf('XTENSION')))?.[1]);
  if (format === 'csv') return text.trim().split('\r\n').length - 1;
  if (format === 'reg') return text.match(/^(icrs;|image;)/gm)?.length ?? 0;
  const document = JSON.parse(bytes.toString()) as { sources: unknown[] };
  return document.sources.length;
}

async function bytesOf(content: Content, path: string): Promise<Buffer> {
  await writeContent(content, path);
  return readFile(path);
}

function read(text: string): RowFilter | undefined {
  return rowFilter(Parameters.fromQuery(text));
}

describe('rows that are asked for', () => {
  it('are the same in every format of a catalogue, which says what they were chosen by', async (t) => {
    const dir = await tempDir(t);
    const record = await fakeRecord({ count: 12 });
    const filter = { bounds: [{ column: 'bmaj', low: 1, high: Number.POSITIVE_INFINITY }], text: 's000' };
    for (const format of Object.keys(kDetectionFormats) as DetectionFormat[]) {
      const bytes = await bytesOf(detectionContent(record, format, filter), join(dir, format));
      // Nine have S000 in their names; the third has no size.
      assert.equal(countRows(format, bytes), 8, format);
      if (format === 'csv') continue;
      const text = bytes.toString('latin1').replaceAll('&quot;', '"').replaceAll('\\"', '"');
      assert.match(text, /bmaj from 1 to \+Inf; text "s000"/, format);
      assert.match(text, format === 'fits' ? /ALLROWS = +12/ : /unfiltered_rows\D+12\b/, format);
    }
    const regions = await bytesOf(detectionContent(record, 'reg', filter), join(dir, 'again'));
    assert.match(regions.toString(), /text=\{S4\}/, 'names are those of the whole');
    assert.ok(!regions.toString().includes('text={S3}'));
  });

  it('are the same in every format of a reconstruction', async (t) => {
    const dir = await tempDir(t);
    const record = fakeReconstruction(5);
    const filter = { bounds: [{ column: 'snr', low: 7, high: 9 }], text: '' };
    for (const format of Object.keys(kReconstructionFormats) as ReconstructionFormat[]) {
      const bytes = await bytesOf(reconstructionContent(record, format, filter), join(dir, format));
      assert.equal(countRows(format, bytes), 3, format);
    }
  });

  it('are chosen by the numbers the table shows, also of floats that are other numbers as doubles', async (t) => {
    const dir = await tempDir(t);
    const record = await fakeRecord({ count: 40 });
    const rows = async (filter?: RowFilter) => {
      const bytes = await bytesOf(detectionContent(record, 'json', filter), join(dir, 'json'));
      return (JSON.parse(bytes.toString()) as { sources: Row[] }).sources;
    };
    for (const { source_id, objectness, flux } of await rows()) {
      for (const [column, value] of Object.entries({ objectness, flux })) {
        const only = await rows({ bounds: [{ column, low: value, high: value }], text: '' });
        assert.deepEqual(
          only.map((row) => row.source_id),
          [source_id],
          `${column} ${value}`,
        );
      }
    }
    assert.equal(
      (await rows({ bounds: [{ column: 'ra', ...kAnywhere }], text: '' })).length,
      39,
      'one has no position',
    );
  });

  it('are read as intervals of DALI, and refused in words', async () => {
    assert.equal(read('RESPONSEFORMAT=csv'), undefined);
    assert.deepEqual(read('KEEP=flux+1e-5+%2BInf&keep=my+column+-inf+3.&FIND=+S0+'), {
      bounds: [
        { column: 'flux', low: 1e-5, high: Number.POSITIVE_INFINITY },
        { column: 'my column', low: Number.NEGATIVE_INFINITY, high: 3 },
      ],
      text: 'S0',
    });
    for (const wrong of [
      'flux',
      'flux 1',
      'flux 2 1',
      'flux a 1',
      'flux NaN 1',
      'flux 0x1 2',
      `${'x'.repeat(300)} 1 2`,
    ]) {
      assert.throws(() => read(`KEEP=${encodeURIComponent(wrong)}`), /KEEP=.*as in KEEP=flux/, wrong);
    }
    assert.throws(() => read('FIND=a&FIND=b'), /given 2 times/);
    assert.throws(() => read(Array.from({ length: 65 }, () => 'KEEP=a+1+2').join('&')), /more than 64/);
    const record = await fakeRecord();
    const bound = (column: string) =>
      detectionContent(record, 'csv', { bounds: [{ column, low: 0, high: 1 }], text: '' });
    assert.throws(() => bound('__proto__'), /__proto__ is not there: there are ra, dec/);
    assert.throws(() => bound('source_id'), /source_id is text/);
  });

  it('come from a server in every format, with ranges, and leave no file', async (t) => {
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(await tempDir(t), 512, 3));
    await server.until(id, 'COMPLETED');
    const { sources } = JSON.parse(await server.text(`/jobs/${id}/results/json`)) as { sources: Row[] };
    const wanted = sources.filter(({ objectness }) => objectness >= 0.8).length;
    assert.ok(wanted > 0 && wanted < sources.length);
    const before = await filesOf(server, id);
    const query = 'KEEP=objectness+0.8+%2BInf';
    for (const format of Object.keys(kDetectionFormats)) {
      const answer = await server.send(`/jobs/${id}/results/result?RESPONSEFORMAT=${format}&${query}`);
      assert.equal(countRows(format, Buffer.from(await answer.arrayBuffer())), wanted, format);
    }
    const csv = `/jobs/${id}/results/csv?${query}`;
    const whole = await server.text(csv);
    const part = await server.send(csv, { headers: { range: 'bytes=5-14' } });
    assert.equal(part.status, 206);
    assert.equal(await part.text(), whole.slice(5, 15));
    assert.equal(
      (await server.send(csv, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } })).headers.get(
        'content-length',
      ),
      String(whole.length),
    );
    assert.equal((await server.send(csv, { headers: { range: 'bytes=99999999-' } })).status, 416);
    const many = await Promise.all(Array.from({ length: 12 }, () => server.text(csv)));
    assert.ok(many.every((text) => text === whole));
    for (const [path, status] of [
      [`/jobs/${id}/results/result?KEEP=nothing+0+1`, 400],
      [`/jobs/${id}/results/result?KEEP=flux`, 400],
      [`/jobs/${id}/results/log?FIND=a`, 400],
      [`/jobs/${id}/results/none?FIND=a`, 404],
    ] as const) {
      assert.equal((await server.send(path)).status, status, path);
    }
    assert.deepEqual(
      (await filesOf(server, id)).filter((name) => name.startsWith('filtered')),
      [],
    );
    assert.ok(before.length > 0);
  });
});

function filesOf(server: TestServer, id: string): Promise<string[]> {
  return readdir(join(server.dataDir, 'jobs', id));
}

/** Sources with SNR 6, 7, 8 and so on. */
function fakeReconstruction(count: number): ReconstructionRecord {
  const column = (value: (row: number) => number) => Float64Array.from({ length: count }, (_, row) => value(row));
  const one = column(() => 1);
  const names = ['raDeg', 'decDeg', 'positionErrorPx', 'statistic', 'peakFlux', 'peakFluxError', 'peakFrame'] as const;
  const more = ['durationS', 'framesDetected', 'meanFlux', 'meanFluxError', 'v', 'eta', 'pConstant'] as const;
  const ones = Object.fromEntries([...names, ...more, 'pRun', 'nearestPx', 'flags'].map((name) => [name, one]));
  const sources = {
    ...ones,
    count,
    name: Array.from({ length: count }, () => ''),
    band: column(() => 0),
    label: Array.from({ length: count }, () => 'steady'),
    x: column((row) => row),
    y: column((row) => row),
    snr: column((row) => 6 + row),
    nearest: column(() => -1),
  } as unknown as FoundReconstruction['sources'];
  const none = new Float64Array(0);
  const found: FoundReconstruction = {
    cube: {
      label: 'cube.fits',
      width: 64,
      height: 64,
      frames: 2,
      bunit: 'Jy/beam',
      timeScale: 'UTC',
      timesMjd: Float64Array.of(60000, 60001),
      exposuresS: Float64Array.of(1, 1),
      frequencyHz: 1e9,
      band: 0,
      bands: 1,
    },
    psf: 'psf.fits',
    sources,
    curves: {
      flux: none,
      fluxError: none,
      fluxRec: none,
      profile: none,
      localRms: none,
      upperLimit: none,
      detected: none,
      flags: none,
    },
    frequenciesHz: Float64Array.of(1e9),
    sigmas: Float64Array.of(1, 1),
    psfFwhmPx: Float64Array.of(3, 3),
    thresholdSnr: 5,
    blankPixels: 0,
    files: [],
    warnings: [],
    times: { channels: 0, detect: 0, measure: 0 },
  };
  return {
    software: { name: 'cianna-otf', version: '0' },
    method: 'clean',
    input: { name: 'cube.fits' },
    psf: { name: 'psf.fits' },
    found,
    beamPx: 3,
    fluxRecError: 1,
    tiles: 1,
    createdAt: new Date(0),
  };
}
