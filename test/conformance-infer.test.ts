/** `infer` against CIANNA's own outputs, through the command: |a-b| <= 2e-5 + 2e-5*|b| (test/fixtures/networks). */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kFixtures, runCli, scratchDir } from './support/cli.js';
import { readNpy } from './support/npy.js';

interface Expected {
  input_bias: number;
  batch_size: number;
  raw_output: number;
}

const networks = join(kFixtures, 'networks');
const dir = scratchDir();
const names = readdirSync(networks)
  .filter((name) => name.endsWith('.dat'))
  .map((name) => name.replace(/\.dat$/, ''));
const kTolerance = 2e-5;

function infer(name: string, expected: Expected, extra: string[]): string {
  const output = join(dir, `${name}.npy`);
  const files = [
    '--model',
    join(networks, `${name}.dat`),
    '--input',
    join(networks, `${name}.input.npy`),
    '--output',
    output,
  ];
  const bias = ['--input-bias', String(expected.input_bias)];
  const raw = expected.raw_output ? ['--raw-output'] : [];
  const { code, stderr } = runCli(['infer', ...files, ...bias, ...raw, ...extra], dir);
  assert.equal(code, 0, stderr);
  return output;
}

function worst(actual: Float32Array, wanted: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < wanted.length; i += 1) {
    const b = wanted[i] ?? Number.NaN;
    const error = Math.abs((actual[i] ?? Number.NaN) - b) / (kTolerance + kTolerance * Math.abs(b));
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

describe('infer gives the numbers of CIANNA', () => {
  assert.equal(names.length, 18);
  for (const name of names) {
    it(name, () => {
      const expected = JSON.parse(readFileSync(join(networks, `${name}.json`), 'utf8')) as Expected;
      const wanted = readNpy(join(networks, `${name}.output.npy`));
      const actual = readNpy(infer(name, expected, ['--batch', String(expected.batch_size)]));
      assert.deepEqual(actual.shape, wanted.shape);
      const error = worst(actual.values, wanted.values);
      assert.ok(error <= 1, `${error} times the tolerance`);
    });
  }

  it('Monte-Carlo gives mean and deviation, the same for the same seed', () => {
    const name = 'yolo_params';
    const expected = JSON.parse(readFileSync(join(networks, `${name}.json`), 'utf8')) as Expected;
    const plain = readNpy(join(networks, `${name}.output.npy`));
    const [items = 0, values = 0] = plain.shape;
    const first = readNpy(infer(name, expected, ['--monte-carlo', '5', '--seed', '3']));
    const again = readNpy(infer(name, expected, ['--monte-carlo', '5', '--seed', '3']));
    assert.deepEqual(first.shape, [items, 2, values]);
    assert.deepEqual(first.values, again.values);
    for (let item = 0; item < items; item += 1) {
      const deviations = first.values.subarray((item * 2 + 1) * values, (item * 2 + 2) * values);
      assert.ok(deviations.every((value) => value >= 0));
    }
  });
});
