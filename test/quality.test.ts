/** Reliability and completeness that a detection tells of itself: against the truth of simulated fields. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runCli, runOk, scratchDir } from './support/cli.js';
import { startTestServer } from './support/server.js';

const dir = scratchDir();
const field = join(dir, 'sim/field.fits');
const kAsked = ['--measure', 'full', '--quality', '16'];

const ok = (args: string[]) => runOk(args, dir).stdout;

interface Catalogue {
  run: Record<string, number>;
  sources: { snr: number; reliability: number }[];
  bins: Record<string, number | string>[];
}

function read<T = Catalogue>(args: string[]): T {
  return JSON.parse(ok([...args, '--format', 'json', '-o', '-'])) as T;
}

describe('detect --quality', () => {
  before(() => {
    ok(['simulate', '-o', 'sim', '--size', '900', '--seed', '5']);
  });

  it('changes no row, adds how reliable each is, and tells what was done', () => {
    const plain = read(['detect', field, '--measure', 'full']);
    const judged = read(['detect', field, ...kAsked, '--quality-files', 'q']);
    const bare = judged.sources.map(({ reliability: _, ...row }) => row);
    assert.deepEqual(bare, plain.sources);
    assert.ok(judged.sources.every(({ reliability }) => reliability >= 0 && reliability <= 1));
    const bright = judged.sources.filter(({ snr }) => snr > 8);
    assert.ok(bright.length > 50 && bright.every(({ reliability }) => reliability > 0.95));
    const { run } = judged;
    assert.equal(run.quality_tiles, 48);
    assert.ok((run.mocks ?? 0) > 100 && (run.mocks_recovered ?? 0) < (run.mocks ?? 0), JSON.stringify(run));
    assert.ok((run.snr_complete_50 ?? 0) > 2 && (run.snr_complete_50 ?? 99) < 6, JSON.stringify(run));
    for (const end of ['.vot', '-completeness.svg', '-reliability.svg'])
      assert.ok(existsSync(join(dir, `q${end}`)), end);
    assert.match(readFileSync(join(dir, 'q-completeness.svg'), 'utf8'), /^<svg[\s\S]*<circle[\s\S]*<\/svg>\n$/);
  });

  it('depends on the seed and on nothing else', () => {
    const bytes = (args: string[]) => {
      ok(['detect', field, ...kAsked, '--quality-files', 'r', '-o', 'x.vot', ...args]);
      return readFileSync(join(dir, 'r.vot'), 'utf8').match(/<TABLEDATA>[\s\S]*<\/TABLEDATA>/)?.[0];
    };
    const first = bytes(['--threads', '1']);
    assert.ok(first);
    assert.equal(bytes(['--threads', '3', '--batch', '5']), first);
    assert.notEqual(bytes(['--quality-seed', '2']), first);
  });

  it('mock sources of a table: faint ones are missed, bright ones found; what is no such table is told', () => {
    writeFileSync(join(dir, 'faint.csv'), 'flux,bmaj,bmin\n4e-7,0,0\n4e-7,0.5,0.3\n');
    writeFileSync(join(dir, 'bright.csv'), 'flux,bmaj,bmin\n2e-5,0,0\n4e-5,1.5,1\n');
    writeFileSync(join(dir, 'none.csv'), 'flux,bmaj,bmin\n0,1,1\n');
    const part = (table: string) => {
      const { run } = read(['detect', field, ...kAsked, '--mocks', join(dir, table)]);
      assert.equal(run.mocks_like as unknown, table);
      return (run.mocks_recovered ?? 0) / (run.mocks ?? 0);
    };
    assert.ok(part('faint.csv') < 0.1);
    assert.ok(part('bright.csv') > 0.9);
    const refused = (args: string[]) => runCli(['detect', field, '--mocks', ...args], dir);
    assert.match(refused([join(dir, 'none.csv'), ...kAsked]).stderr, /none\.csv has no row with a flux above 0/);
    assert.match(refused([join(dir, 'bright.csv')]).stderr, /MOCKS is for the quality: give QUALITY/);
    assert.match(refused([join(dir, 'sim/truth.vot'), '--measure', 'full']).stderr, /MOCKS is for the quality/);
  });

  it('noise alone: nothing is said to be reliable', () => {
    ok(['simulate', '-o', 'empty', '--size', '600', '--density', '0', '--seed', '8']);
    const { run, sources } = read(['detect', join(dir, 'empty/field.fits'), '--measure', 'full', '--quality', '9']);
    const mean = sources.reduce((sum, { reliability }) => sum + reliability, 0) / Math.max(1, sources.length);
    assert.ok(sources.length < 10 || mean < 0.5, `${sources.length} ${mean} ${run.negatives}`);
  });

  it('a job leaves table and plots; without a measurement it is refused', async (t) => {
    ok(['detect', field, ...kAsked, '--quality-files', 'own', '-o', 'mine.vot']);
    const server = await startTestServer(t);
    const image = readFileSync(field);
    const refused = await server.post({ QUALITY: '16' }, image);
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /QUALITY is of what is measured/);
    const id = await server.submit({ MEASURE: 'full', QUALITY: '16' }, image);
    await server.until(id, 'COMPLETED');
    assert.match(await server.text(`/jobs/${id}/results/result`), /name="reliability"/);
    assert.match(await server.text(`/jobs/${id}/results/quality`), /name="completeness_low"/);
    assert.match(await server.text(`/jobs/${id}/results/completeness`), /<svg/);
    assert.match(await server.text(`/jobs/${id}/results/reliability`), /<svg/);
    const rows = (text: string) => text.match(/<TABLEDATA>[\s\S]*<\/TABLEDATA>/)?.[0];
    const own = readFileSync(join(dir, 'own.vot'), 'utf8');
    assert.equal(rows(await server.text(`/jobs/${id}/results/quality`)), rows(own));
  });
});
