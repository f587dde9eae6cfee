// Simulated cubes to train a reconstructor with: `node training/dataset.mjs OUT --cubes 500 --seed 1 [...]`.
// Per cube: what the network will see (channels.f32: 3 channels, frames, y, x; made by the same code that makes it at work), what
// it should give (target.f32: the sky through the Gaussian, in units of the noise), and its sources (set.json). Little endian.
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { native } from '#otf/engine/addon.js';
import { resolveModel } from '#otf/tasks/cards.js';
import { reconstructorCard, toReconstructorConfig } from '#otf/tasks/reconstruction/card.js';

const kNoise = 1e-3;
const kBlock = 2880;
const kCard = 80;

/** What a set is of; all but the first two say which telescope it is for. */
export const kSetOptions = {
  cubes: { type: 'string', default: '500' },
  seed: { type: 'string', default: '1' },
  card: { type: 'string', default: 'models/demo-transients/model.toml' },
  array: { type: 'string', default: 'models/demo-transients/array.enu' },
  latitude: { type: 'string', default: '-30.713' },
  declinations: { type: 'string', default: '-45,-15' },
  'hour-angles': { type: 'string', default: '-10,10' },
  frequency: { type: 'string', default: '1400' },
  cell: { type: 'string', default: '3' },
  size: { type: 'string', default: '64' },
  frames: { type: 'string', default: '32' },
  hours: { type: 'string', default: '8' },
  weighting: { type: 'string', default: 'briggs' },
  robust: { type: 'string', default: '0' },
  levels: { type: 'string', default: '0.05,0.7' },
  shapes: { type: 'string', default: 'gate,gaussian,decay,step-on,step-off' },
  tau: { type: 'string', default: '0.8,6' },
};

/** For `bench reconstruct`: cubes like those of a set. With = where a value may begin with a minus. */
export function observationOptions(set) {
  const names = ['array', 'latitude', 'declinations', 'hour-angles', 'frequency', 'cell', 'size', 'frames', 'hours'];
  return [...names, 'weighting', 'robust'].map((name) => `--${name}=${set[name]}`);
}

/** The same numbers for the same seed, on every machine (Park and Miller 1988). */
function randomOf(seed) {
  let state = (Number(seed) * 7919 + 1) % 2147483647;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

const pair = (text) => text.split(',').map(Number);

function requestOf(options, random, index, folder) {
  const between = ([least, most]) => least + (most - least) * random();
  const [quiet, loud] = pair(options.levels);
  const [tauMin, tauMax] = pair(options.tau);
  return {
    folder,
    sizePx: Number(options.size),
    frames: Number(options.frames),
    cellArcsec: Number(options.cell),
    frequencyMHz: Number(options.frequency),
    bandwidthMHz: 0,
    channels: 1,
    array: 'given',
    arrayFile: options.array,
    latitudeDeg: Number(options.latitude),
    declinationDeg: between(pair(options.declinations)),
    hourAngleDeg: between(pair(options['hour-angles'])),
    hours: Number(options.hours),
    snapshots: 5,
    weighting: options.weighting,
    robust: Number(options.robust),
    superWeight: 1,
    noise: kNoise,
    sefdJy: 0,
    efficiency: 1,
    integrationS: 1,
    transients: 3 + Math.floor(8 * random()),
    steady: 1 + Math.floor(5 * random()),
    shapes: options.shapes,
    tauMin,
    tauMax,
    sigmaOverPeak: quiet * (loud / quiet) ** random(),
    spread: 1.6,
    separationPx: 4,
    extendedJy: 0,
    primaryBeam: false,
    gainError: 0,
    phaseErrorDeg: 0,
    exact: false,
    seed: Number(options.seed) * 1_000_000 + index,
  };
}

/** Of a float32 image this program wrote. */
async function readPixels(path) {
  const bytes = await readFile(path);
  const end = bytes.indexOf('END'.padEnd(kCard), 0, 'latin1');
  const data = bytes.subarray(Math.ceil((end + kCard) / kBlock) * kBlock);
  const axes = [...bytes.toString('latin1', 0, end).matchAll(/NAXIS\d += +(\d+)/g)].map(([, length]) => Number(length));
  const count = axes.reduce((product, length) => product * length, 1);
  return Float32Array.from({ length: count }, (_, at) => data.readFloatBE(4 * at));
}

/** One cube: the item of a task of one tile is the whole of it. */
async function sample(addon, { model, request, file }) {
  const { sources } = await addon.simulateCube(request);
  const task = { model, method: 'network', staticPart: 'none', threshold: 1000, positions: [], folder: '', threads: 1 };
  const opened = addon.openReconstruction({ ...task, cube: [file('dirty.fits')], psf: [file('psf.fits')] });
  try {
    if (opened.tiles !== 1) throw new Error('the cube is larger than a tile of the card: choose a smaller --size');
    const channels = addon.taskItem(opened.task, 0);
    const dirty = await readPixels(file('dirty.fits').path);
    const truth = await readPixels(file('truth.fits').path);
    const pixels = truth.length / request.frames;
    for (let frame = 0; frame < request.frames; frame += 1) {
      // Channel 0 is the dirty frame over its noise, as it was measured: so is the target.
      let at = frame * pixels;
      for (let p = at; p < (frame + 1) * pixels; p += 1) if (Math.abs(dirty[p]) > Math.abs(dirty[at])) at = p;
      const scale = channels[at] / dirty[at];
      for (let p = frame * pixels; p < (frame + 1) * pixels; p += 1) truth[p] *= scale;
    }
    const told = sources.map(({ x, y, shape, peakJy }) => ({ x, y, shape, peak_snr: peakJy / kNoise }));
    return { channels, target: truth, about: { peak_snr: 1 / request.sigmaOverPeak, sources: told } };
  } finally {
    addon.closeTask(opened.task);
  }
}

export async function writeSet(folder, options, tell = () => undefined) {
  const addon = native();
  const card = reconstructorCard(await resolveModel('models', options.card));
  const { model } = addon.openReconstructionModel({
    weights: card.weightsPath,
    sha256: card.sha256,
    reconstructor: toReconstructorConfig(card),
  });
  await mkdir(folder, { recursive: true });
  const files = await Promise.all(['channels.f32', 'target.f32'].map((name) => open(join(folder, name), 'w')));
  const scratch = await mkdtemp(join(tmpdir(), 'cianna-otf-train-'));
  const file = (name) => ({ path: join(scratch, name), label: name });
  const random = randomOf(options.seed);
  const cubes = [];
  try {
    for (let index = 0; index < Number(options.cubes); index += 1) {
      const request = requestOf(options, random, index, scratch);
      const { channels, target, about } = await sample(addon, { model, request, file });
      await files[0].write(new Uint8Array(channels.buffer, channels.byteOffset, channels.byteLength));
      await files[1].write(new Uint8Array(target.buffer, target.byteOffset, target.byteLength));
      cubes.push(about);
      tell(index + 1);
    }
  } finally {
    await Promise.all(files.map((each) => each.close()));
    await rm(scratch, { recursive: true, force: true });
    addon.closeReconstructionModel(model);
  }
  const shape = [Number(options.frames), Number(options.size), Number(options.size)];
  const set = { made_with: options, beam_px: card.reconstructor.beam_px, shape, cubes };
  await writeFile(join(folder, 'set.json'), `${JSON.stringify(set)}\n`);
}

if (import.meta.url === pathToFileURL(resolve(process.argv[1] ?? '')).href) {
  const { values, positionals } = parseArgs({ options: kSetOptions, allowPositionals: true });
  if (positionals.length !== 1) {
    console.error('usage: node training/dataset.mjs OUT --cubes 500 --seed 1 (docs/training.md)');
    process.exit(2);
  }
  await writeSet(positionals[0], values, (done) => process.stderr.write(`\r${done} of ${values.cubes} cubes`));
  process.stderr.write('\n');
}
