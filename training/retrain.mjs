// One command for a model of another telescope (docs/training.md):
//   node training/retrain.mjs OUT --array my.enu --latitude 52.9 --declinations 30,60 --minutes 60
// 1. sets of cubes to train and to validate with   2. training   3. CIANNA's file of it, checked against PyTorch in our engine
// 4. the model's card   5. how to find its thresholds.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { kSetOptions, observationOptions, writeSet } from './dataset.mjs';

const kPython = process.env.PYTHON ?? 'python3';
const kValidationCubes = 24;
const kHere = import.meta.dirname;

function run(program, args, what) {
  console.log(`$ ${basename(program)} ${args.join(' ')}`);
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (status === 0) return;
  console.error(`${what} failed${error ? `: ${error.message}` : ''}`);
  process.exit(1);
}

const { values, positionals } = parseArgs({
  options: {
    ...kSetOptions,
    minutes: { type: 'string', default: '45' },
    threads: { type: 'string', default: '1' },
    device: { type: 'string', default: 'cpu' },
    id: { type: 'string', default: 'my-transients' },
  },
  allowPositionals: true,
});
const [out] = positionals;
if (out === undefined || positionals.length > 1) {
  console.error('usage: node training/retrain.mjs OUT --array TABLE --latitude DEG ... (docs/training.md)');
  process.exit(2);
}
const { minutes, threads, device, id, ...set } = values;
run(
  kPython,
  ['-c', 'import torch, numpy'],
  `looking for PyTorch (Debian: python3-torch; PYTHON says which python3 has it)`,
);

for (const [part, cubes, seed] of [
  ['train', set.cubes, set.seed],
  ['validate', kValidationCubes, Number(set.seed) + 1000],
]) {
  console.log(`${cubes} cubes to ${part} with`);
  await writeSet(join(out, 'set', part), { ...set, cubes: String(cubes), seed: String(seed) });
}
const file = (name) => join(out, name);
const python = (script, args) => run(kPython, [join(kHere, script), ...args], script);
python('train.py', [
  ...[join(out, 'set'), file('network.pt'), '--minutes', minutes],
  ...['--threads', threads, '--device', device, '--seed', set.seed],
]);
// A card's folder is named as its id.
const model = join(out, id);
await mkdir(model, { recursive: true });
const weights = join(model, 'weights.dat');
python('export.py', [file('network.pt'), weights, '--check', file('check')]);
const npy = (name) => join(out, 'check', `${name}.npy`);
run(
  process.execPath,
  [
    join(kHere, '../bin/cianna-otf.js'),
    ...['infer', '--model', weights, '--input', npy('input'), '--output', npy('engine'), '--input-bias', '0.1'],
  ],
  'the network in our engine',
);
python('export.py', ['--compare', file('check')]);

const sha256 = createHash('sha256')
  .update(await readFile(weights))
  .digest('hex');
const hours = Number(set.hours);
const step = (hours * 3600) / Number(set.frames);
const card = (await readFile(set.card, 'utf8'))
  .replace(/^#.*\n/, '')
  .replace(/^id = .*$/m, `id = "${id}"`)
  .replace(/^title = .*$/m, `title = "Transients in dirty cubes of ${basename(set.array)}"`)
  .replace(/^aliases = .*\n/m, '')
  .replace(/^sha256 = .*$/m, `sha256 = "${sha256}"`)
  .replace(/^released = .*$/m, `released = "${new Date().toISOString().slice(0, 10)}"`)
  .replace(/^trained_frames = .*$/m, `trained_frames = ${set.frames}`)
  .replace(/^psf_fwhm_px = .*\n/m, '')
  .replace(/^# Rms of the PSF .*\n/m, '')
  .replace(/^psf_sidelobes = .*\n/m, '')
  .replace(/^sigma_over_peak = .*$/m, `sigma_over_peak = [${set.levels.replace(',', ', ')}]`)
  .replace(/^cadence_s = .*$/m, `cadence_s = [${(0.95 * step).toFixed(1)}, ${(1.05 * step).toFixed(1)}]`)
  .replace(
    /^telescope = .*$/m,
    `telescope = "${basename(set.array)}, ${set.frequency} MHz, ${set.weighting} ${set.robust}"`,
  )
  .replace(/^cadence = .*$/m, `cadence = "${set.frames} frames of ${(step / 60).toFixed(1)} minutes"`)
  .replace(/^name = .*$/m, 'name = "simulated cubes"')
  .replace(
    /^description = .*$/m,
    `description = "${set.cubes} cubes, declinations ${set.declinations}, seed ${set.seed}"`,
  );
await writeFile(join(model, 'model.toml'), card);
await copyFile(set.array, join(model, basename(set.array)));
const bench = [
  `npm run bench -- reconstruct --model ${join(model, 'model.toml')}`,
  ...observationOptions(set),
  '--cubes 60',
].join(' ');
console.log(`
${join(model, 'model.toml')} is there. Two of its numbers are still those of the card it was made from; measure them:
  ${bench} --calibrate     rss_at_threshold
  ${bench}                 what it is worth
and write the ranges of the PSFs it was trained with as psf_fwhm_px and psf_sidelobes (reconstruct says both of every cube).`);
