/**
 * The scripts of training/ in their smallest form: the set of cubes they make, that Python can read them, and where there is
 * PyTorch (PYTHON says which python3 has it) all of them, up to a card that reconstructs.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kPython, kRoot, missingProgram, python, runOk, scratchDir } from './support/cli.js';

const kTraining = join(kRoot, 'training');
const kFrames = 16;
const kSide = 32;
const kTorchPython = process.env.PYTHON ?? kPython;
const kNoTorch = missingProgram(kTorchPython, ['-c', 'import numpy, torch'], 'python3-torch');
const kNoPython = missingProgram(kPython, ['-c', 'import ast, json'], 'python3');

interface SetAbout {
  beam_px: number;
  shape: number[];
  cubes: { peak_snr: number; sources: { x: number; y: number; shape: string; peak_snr: number }[] }[];
}

const kSmall = ['--cubes', '2', '--size', `${kSide}`, '--frames', `${kFrames}`, '--hours', '4'];

/** As docs/training.md says: from the root of the repository. */
function written(folder: string, seed: number) {
  const script = join(kTraining, 'dataset.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, folder, ...kSmall, '--seed', `${seed}`], {
    cwd: kRoot,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const bytes = (name: string) => readFileSync(join(folder, name));
  const values = (name: string) => {
    const from = bytes(name);
    return Float32Array.from({ length: from.length / 4 }, (_, at) => from.readFloatLE(4 * at));
  };
  const about = JSON.parse(bytes('set.json').toString()) as SetAbout;
  return { about, channels: values('channels.f32'), target: values('target.f32') };
}

describe('training', () => {
  it('has a set of cubes: what the network sees, what it should give, and where the sources are', () => {
    const dir = scratchDir();
    const { about, channels, target } = written(join(dir, 'a'), 1);
    const voxels = kFrames * kSide * kSide;
    assert.deepEqual(about.shape, [kFrames, kSide, kSide]);
    assert.equal(about.cubes.length, 2);
    assert.equal(target.length, 2 * voxels);
    assert.equal(channels.length, 2 * 3 * voxels);
    about.cubes.forEach(({ sources }, cube) => {
      assert.ok(sources.length >= 4);
      // The largest value of the target at its pixel is a source's peak in units of the noise, through the Gaussian.
      for (const { x, y, shape, peak_snr: snr } of sources.filter((each) => each.shape === 'steady')) {
        const pixel = Math.round(y) * kSide + Math.round(x);
        const curve = Array.from({ length: kFrames }, (_, t) => target[cube * voxels + t * kSide * kSide + pixel] ?? 0);
        const away = (Math.round(x) - x) ** 2 + (Math.round(y) - y) ** 2;
        const least = snr * Math.exp((-4 * Math.LN2 * away) / about.beam_px ** 2);
        assert.ok(Math.max(...curve) > 0.6 * least, `${shape} of ${snr}: ${curve}`);
      }
      // Channel 0 is in units of its noise.
      const dirty = channels.subarray(cube * 3 * voxels, cube * 3 * voxels + voxels);
      const middle = [...dirty].map(Math.abs).sort((a, b) => a - b)[voxels / 2] ?? 0;
      assert.ok(middle > 0.5 && middle < 1, `${middle}`);
    });
    assert.deepEqual(written(join(dir, 'again'), 1), { about, channels, target });
    assert.notDeepEqual(written(join(dir, 'other'), 2).target, target);
  });

  it('tells bench reconstruct all of an observation: the card is calibrated on cubes like those of its training', () => {
    const program = [
      `import { kSetOptions, observationOptions } from ${JSON.stringify(join(kTraining, 'dataset.mjs'))};`,
      'const set = Object.fromEntries(Object.entries(kSetOptions).map(([name, it]) => [name, it.default]));',
      'console.log(JSON.stringify({ names: Object.keys(set), options: observationOptions(set) }));',
    ].join('\n');
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: kRoot,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const { names, options } = JSON.parse(stdout) as { names: string[]; options: string[] };
    // What is in the sky is the bench's own.
    const sky = ['cubes', 'seed', 'card', 'levels', 'shapes', 'tau'];
    const told = options.map((option) => option.replace(/^--|=.*/g, ''));
    assert.deepEqual(told.toSorted(), names.filter((name) => !sky.includes(name)).toSorted());
    const args = ['bench', 'reconstruct', '--calibrate', '--cubes', '1', ...options];
    assert.match(runOk(args, kRoot).stdout, /^1 empty cubes of 64x64x32, seed 77: 0\.1 peaks per cube/);
  });

  it('ends in a card that reconstructs', { skip: kNoTorch }, () => {
    const dir = scratchDir();
    const env = { ...process.env, PYTHON: kTorchPython };
    const weights = ['--weighting', 'uniform', '--robust', '0.5', '--hour-angles=-20,-5'];
    const args = [join(kTraining, 'retrain.mjs'), dir, ...kSmall, ...weights, '--minutes', '0.01', '--id', 'small'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: kRoot, encoding: 'utf8', env });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /the engine differs from PyTorch by at most \S+e-0[6-9]/);
    assert.match(stdout, / --hour-angles=-20,-5 .* --size=32 --frames=16 --hours=4 --weighting=uniform --robust=0\.5 /);
    const example = (name: string) => join(kRoot, 'examples/transients', name);
    const card = join(dir, 'small/model.toml');
    const files = [example('dirty.fits'), '--psf', example('psf.fits'), '-o', join(dir, 'found')];
    // It has learnt nothing: no source is wanted of it.
    runOk(['reconstruct', ...files, '--model', card, '--threshold', '1000'], dir);
  });

  it('has scripts that Python can read', { skip: kNoPython }, () => {
    const scripts = readdirSync(kTraining).filter((name) => name.endsWith('.py'));
    assert.ok(scripts.length >= 3);
    const program =
      'import ast, json, sys\nprint(json.dumps([len(ast.parse(open(p).read(), p).body) for p in sys.argv[1:]]))';
    const parts = python(program, ...scripts.map((name) => join(kTraining, name))) as number[];
    assert.ok(parts.every((count) => count > 3));
  });
});
