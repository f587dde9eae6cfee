/** INT8: calibrations beside cards, and what comes of them. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type CatalogueColumns, native } from '#otf/engine/addon.js';
import { withCalibration } from '#otf/models/calibrated-card.js';
import { verifyWeights } from '#otf/models/card.js';
import { chooseQuantization } from '#otf/models/quantization.js';
import { parseModelCard, readModelCard, resolveModel } from '#otf/tasks/cards.js';
import { agreementOf, widened } from '#otf/tasks/detection/calibration.js';
import { kRoot, runCli, runOk, scratchDir } from './support/cli.js';
import { kDemoCard } from './support/records.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kInt8 = 'INT8C_INT32A';
const kOnednn = native()
  .describeEngines()
  .find(({ name }) => name === 'onednn');
const kNoInt8 = kOnednn?.computeTypes.includes(kInt8) ? false : 'needs a CPU with AVX-512 VNNI for INT8';

/** Models without a calibration, in a folder that may be changed. */
function plainModels(): string {
  const models = join(scratchDir(), 'models');
  cpSync(join(kRoot, 'models'), models, { recursive: true });
  const path = join(models, 'demo-continuum/model.toml');
  const card = readFileSync(path, 'utf8');
  writeFileSync(path, card.replace(/^int8 = .*\n/m, '').replace(`, "${kInt8}"`, ''));
  return models;
}

/** A field of about a thousand sources. */
function simulated(dir: string, seed: number): string {
  runOk(['simulate', '--size', '1024', '--seed', String(seed), '-o', join(dir, String(seed))], dir);
  return join(dir, `${seed}/field.fits`);
}

interface Row {
  x: number;
  y: number;
  flux: number;
}

function columns(rows: readonly Row[]): CatalogueColumns {
  const of = (key: keyof Row) => Float64Array.from(rows, (row) => row[key]);
  return { count: rows.length, x: of('x'), y: of('y'), values: { flux: of('flux') } } as unknown as CatalogueColumns;
}

interface Found {
  facts: Record<string, string>;
  rows: Row[];
}

function detected(image: string, models: string, quantization: string): Found {
  const dir = scratchDir();
  const path = join(dir, 'found.json');
  const model = ['--models', models, '--engine', 'onednn', '--quantization', quantization];
  runOk(['detect', image, ...model, '--format', 'json', '-o', path], dir);
  const { run, sources } = JSON.parse(readFileSync(path, 'utf8'));
  return { facts: run, rows: sources };
}

describe('a calibration', () => {
  it('is the file its card names, byte for byte', async () => {
    const models = join(scratchDir(), 'models');
    cpSync(join(kRoot, 'models'), models, { recursive: true });
    const card = await resolveModel(models, 'demo-continuum');
    await verifyWeights(card);
    const path = card.calibrationPath ?? '';
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^leading \d+$/m, 'leading 9'));
    await assert.rejects(verifyWeights(card), { code: 'OTF_MODEL_CHECKSUM', message: /int8-ranges\.txt.*calibrate/ });
  });

  it('is missed in one line that says what to do, also where nothing could run it', async () => {
    const models = plainModels();
    const card = await resolveModel(models, 'demo-continuum');
    const refusal = { code: 'OTF_QUANTIZATION_UNKNOWN', message: /INT8 needs a calibration.*models calibrate/ };
    assert.throws(() => chooseQuantization(card, 'INT8'), refusal);
    assert.equal(chooseQuantization(await readModelCard(kDemoCard), 'int8'), kInt8);
    const dir = scratchDir();
    const network = join(kRoot, 'test/fixtures/networks/conv2d_multichannel_leaky');
    const args = ['--model', `${network}.dat`, '--input', `${network}.input.npy`, '--output', join(dir, 'y.npy')];
    const { code, stderr } = runCli(['infer', ...args, '--quantization', 'INT8', '--engine', 'onednn'], dir);
    assert.equal(code === 0, kNoInt8 !== false, stderr);
    if (!kNoInt8) assert.match(stderr, /^[^\n]*INT8 needs a calibration[^\n]*models calibrate[^\n]*\n$/);
  });

  it('holds what all images had', () => {
    const of = (a: string, b: string) => `cianna-otf INT8 calibration 1\nleading 1\nlayer 0 2\n${a}\n${b}\nend\n`;
    assert.equal(widened(of('-1 0.5', '0 3e-7'), of('-0.5 2', '-1e-9 1e-7')), of('-1 2', '-1e-9 3e-7'));
  });

  it('comes into the text of a card, in place of the one before, and nothing else changes', async () => {
    const card = await readFile(join(plainModels(), 'demo-continuum/model.toml'), 'utf8');
    const file = (digit: string) => ({ calibration: 'a.txt', sha256: digit.repeat(64) });
    const once = withCalibration(card, file('1')) ?? '';
    const read = parseModelCard(once, 'card');
    assert.deepEqual(read.int8, file('1'));
    assert.deepEqual(read.quantizations, ['FP32C_FP32A', 'BF16C_FP32A', kInt8]);
    assert.deepEqual(parseModelCard(withCalibration(once, file('2')) ?? '', 'card'), { ...read, int8: file('2') });
    assert.deepEqual(
      once.split('\n').filter((line) => !card.split('\n').includes(line)).length,
      2,
      'one line more, and one other',
    );
    assert.equal(withCalibration(card.replace('quantizations = [', 'quantizations = [\n'), file('1')), undefined);
    assert.equal(withCalibration('[a]\nsha256 = "x"\nquantizations = ["y"]\n', file('1')), undefined);
  });

  it('is judged by rows that have each other, both ways', () => {
    const wanted = [
      { x: 10, y: 10, flux: 1 },
      { x: 20, y: 20, flux: 2 },
      { x: 30, y: 30, flux: 4 },
    ];
    const same = agreementOf([[columns(wanted), columns(wanted)]]);
    assert.deepEqual(same.rows, { fp32: 3, int8: 3, matched: 3 });
    assert.deepEqual([same.share, same.fluxDrift], [1, 0]);
    // Two near one, one too far, one that nobody knows.
    const other = [
      { x: 11, y: 10, flux: Math.E },
      { x: 10, y: 11.5, flux: 9 },
      { x: 20, y: 22.5, flux: 2 },
      { x: 30, y: 31, flux: 4 * Math.E },
    ];
    const { rows, share, fluxDrift = 0 } = agreementOf([[columns(wanted), columns(other)]]);
    assert.deepEqual(rows, { fp32: 3, int8: 4, matched: 2 });
    assert.equal(share, 0.5);
    assert.ok(Math.abs(fluxDrift - 1) < 1e-12);
  });
});

describe('models calibrate', () => {
  it('refuses a CPU without INT8, a model that is no detector, and images with too few sources', async () => {
    const models = plainModels();
    const dir = scratchDir();
    await field(dir, 64, 1);
    const image = join(dir, 'field-64-1.fits');
    const refused = (model: string, says: RegExp, env: Record<string, string> = {}) => {
      const { code, stderr } = runCli(['models', 'calibrate', '--models', models, model, image], dir, env);
      assert.notEqual(code, 0);
      assert.match(stderr, says);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    };
    refused('demo-continuum', /calibrate on a CPU with AVX-512 VNNI/, { ONEDNN_MAX_CPU_ISA: 'AVX2' });
    refused('demo-transients', /is no detector/);
    if (!kNoInt8) refused('demo-continuum', /too few to compare/);
    assert.equal((await resolveModel(models, 'demo-continuum')).int8, undefined);
  });

  it('makes a model whose catalogue of another field stays', { skip: kNoInt8 }, () => {
    const models = plainModels();
    const dir = scratchDir();
    const { stdout } = runOk(
      ['models', 'calibrate', '--models', models, 'demo-continuum', simulated(dir, 9200001)],
      dir,
    );
    assert.match(stdout, /^all but the first \d convolutions in INT8: \d+ rows .* 99\.\d %.*; flux /m);
    assert.match(stdout, /int8-ranges-[0-9a-f]{12}\.txt: written, and named in .*model\.toml; servers .* restarted$/m);
    // What another card named is there for those who run with it.
    const shipped = (dir: string) => readFileSync(join(dir, 'demo-continuum/int8-ranges.txt'), 'utf8');
    assert.equal(shipped(models), shipped(join(kRoot, 'models')));
    const other = simulated(dir, 9150001);
    // The calibration that comes with the program, and the new one: from a quarter as many sources, some ten rows of a thousand are
    // one more or less on a field that it has not seen.
    const folders = [
      [join(kRoot, 'models'), 0.99],
      [models, 0.985],
    ] as const;
    for (const [folder, least] of folders) {
      const whole = detected(other, folder, 'FP32');
      const int8 = detected(other, folder, 'INT8');
      assert.equal(int8.facts.quantization, kInt8);
      assert.match(int8.facts.calibration_sha256 ?? '', /^[0-9a-f]{64}$/);
      assert.equal(whole.facts.calibration_sha256, undefined);
      const { rows, share } = agreementOf([[columns(whole.rows), columns(int8.rows)]]);
      assert.ok(rows.fp32 > 800, `${rows.fp32} rows`);
      assert.ok(share >= least, `${share} of the rows match`);
      assert.notDeepEqual(int8.rows, whole.rows);
    }
  });
});

describe('a job in INT8', () => {
  it('gives the catalogue of detect, and says what it was computed in', async (t) => {
    const dir = await tempDir(t);
    const image = await field(dir, 700, 3);
    const server = await startTestServer(t);
    const id = await server.submit({ QUANTIZATION: kInt8 }, image);
    await server.until(id, 'COMPLETED');
    const rows = await server.text(`/jobs/${id}/results/csv`);
    const votable = await server.text(`/jobs/${id}/results/votable`);
    // Only now: while a command runs, a connection that the server closes is not seen to be closed.
    const path = join(dir, 'own.csv');
    runOk(['detect', join(dir, 'field-700-3.fits'), '--quantization', 'INT8', '--format', 'csv', '-o', path], dir);
    const plain = (text: string) => text.split('\n').filter((line) => !line.startsWith('#'));
    assert.deepEqual(plain(rows), plain(readFileSync(path, 'utf8')));
    assert.match(
      votable,
      kNoInt8 ? /name="quantization"[^>]*value="FP32C_FP32A"/ : /name="quantization"[^>]*value="INT8C_INT32A"/,
    );
    assert.equal(votable.includes('calibration_sha256'), !kNoInt8);
  });
});
