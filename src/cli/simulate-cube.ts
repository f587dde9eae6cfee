/** `simulate --cube`: a dirty cube of a changing sky with its PSF, and the truth about it. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { native, type SimulateCubeRequest } from '../engine/addon.js';
import { assertWritable, writeFileAtomically } from '../io/write.js';
import { kSoftware } from '../version.js';
import { integer, real } from './options.js';
import { print } from './table.js';
import { cubeLightCurves, cubeSources } from './truth-cube.js';

export interface CubeOptions {
  output: string;
  size?: number;
  noise?: number;
  seed: number;
  json?: boolean;
  frames: number;
  cell: number;
  frequency: number;
  bandwidth: number;
  channels: number;
  array: string;
  latitude?: number;
  declination: number;
  hourAngle: number;
  hours: number;
  snapshots: number;
  weighting: string;
  robust: number;
  superWeight: number;
  sefd: number;
  efficiency: number;
  integration: number;
  transients: number;
  steady: number;
  shapes: string;
  tau: [number, number];
  sigmaOverPeak: number;
  spread: number;
  separation: number;
  extended: number;
  primaryBeam?: boolean;
  gainError: number;
  phaseError: number;
  exact?: boolean;
}

const kCubePx = 64;
const kCubeNoise = 1e-3;
const kBuiltIn = ['meerkat-like', 'nenufar-like', 'core-halo'];

const kOptions: readonly Option[] = [
  numeric('--frames <n>', 'frames in time', integer(1, 4096), 32),
  numeric('--cell <arcsec>', 'side of a pixel', real(1e-4, 3600), 3),
  numeric('--frequency <mhz>', 'observing frequency', real(1, 1e6), 1400),
  numeric('--bandwidth <mhz>', 'bandwidth, for --channels and --sefd', real(0, 1e6), 0),
  numeric('--channels <n>', 'channels over the bandwidth', integer(1, 256), 1),
  new Option(
    '--array <name>',
    `${kBuiltIn.join(', ')}, or a table of antennas: east north up diameter, metres`,
  ).default('core-halo'),
  new Option('--latitude <deg>', 'of a table of antennas').argParser(real(-90, 90)),
  numeric('--declination <deg>', 'of the pointing', real(-90, 90), -30),
  numeric('--hour-angle <deg>', 'in the middle of the observation', real(-180, 180), 0),
  numeric('--hours <h>', 'length of the observation', real(1e-4, 24), 8),
  numeric('--snapshots <n>', 'instants per frame', integer(1, 1000), 5),
  new Option('--weighting <name>', 'weights in the uv plane')
    .choices(['natural', 'uniform', 'briggs'])
    .default('briggs'),
  numeric('--robust <r>', 'of Briggs weights', real(-5, 5), 0),
  numeric('--super-weight <n>', 'weights are those of a field this many times smaller', integer(1, 256), 1),
  numeric('--sefd <jy>', 'system equivalent flux density: gives the noise instead of --noise', real(0, 1e12), 0),
  numeric('--efficiency <e>', 'of the correlator, with --sefd', real(1e-3, 1), 0.9),
  numeric('--integration <s>', 'of a snapshot, with --sefd', real(1e-6, 1e6), 8),
  numeric('--transients <n>', 'sources that change', integer(0, 1000), 3),
  numeric('--steady <n>', 'sources that do not', integer(0, 1000), 3),
  new Option('--shapes <names>', 'gate, step-on, step-off, gaussian, decay, skewed, pulses, power').default(
    'gate,gaussian,decay',
  ),
  new Option('--tau <min,max>', 'widths in time, frames').default([2, 4], '2,4').argParser(pair),
  numeric('--sigma-over-peak <s>', 'noise of a frame over the peak of the sources', real(1e-6, 1e6), 0.2),
  numeric('--spread <f>', 'peaks differ by up to this factor', real(1, 1000), 1),
  numeric('--separation <px>', 'least distance between sources', real(0, 100), 4),
  numeric('--extended <jy>', 'flux of an extended steady blob in the middle', real(0, 1e6), 0),
  new Option('--primary-beam', 'sources are weakened by a Gaussian primary beam'),
  numeric('--gain-error <f>', 'rms error of the antennas, e.g. 0.01', real(0, 1), 0),
  numeric('--phase-error <deg>', 'rms error of the antennas', real(0, 180), 0),
  new Option('--exact', 'every source at every visibility, Kaiser-Bessel gridding: slower, for checks'),
];

export const kCubeOnly: readonly string[] = kOptions.map((option) => option.attributeName());

export function addCubeOptions(command: Command): void {
  for (const option of kOptions) command.addOption(option.helpGroup('Options of --cube:'));
}

function numeric(flags: string, help: string, parser: (text: string) => number, otherwise: number): Option {
  return new Option(flags, help).default(otherwise).argParser(parser);
}

function pair(text: string): [number, number] {
  const [least = '', most = least] = text.split(',');
  return [real(1e-3, 1e4)(least), real(1e-3, 1e4)(most)];
}

function requestOf(options: CubeOptions): SimulateCubeRequest {
  const builtIn = kBuiltIn.includes(options.array);
  return {
    folder: options.output,
    sizePx: options.size ?? kCubePx,
    frames: options.frames,
    cellArcsec: options.cell,
    frequencyMHz: options.frequency,
    bandwidthMHz: options.bandwidth,
    channels: options.channels,
    array: options.array,
    ...(builtIn ? {} : { arrayFile: options.array }),
    latitudeDeg: options.latitude ?? 0,
    declinationDeg: options.declination,
    hourAngleDeg: options.hourAngle,
    hours: options.hours,
    snapshots: options.snapshots,
    weighting: options.weighting,
    robust: options.robust,
    superWeight: options.superWeight,
    noise: options.noise ?? kCubeNoise,
    sefdJy: options.sefd,
    efficiency: options.efficiency,
    integrationS: options.integration,
    transients: options.transients,
    steady: options.steady,
    shapes: options.shapes,
    tauMin: options.tau[0],
    tauMax: options.tau[1],
    sigmaOverPeak: options.sigmaOverPeak,
    spread: options.spread,
    separationPx: options.separation,
    extendedJy: options.extended,
    primaryBeam: options.primaryBeam ?? false,
    gainError: options.gainError,
    phaseErrorDeg: options.phaseError,
    exact: options.exact ?? false,
    seed: options.seed,
  };
}

export async function simulateCube(options: CubeOptions): Promise<void> {
  const request = requestOf(options);
  const file = (name: string) => join(options.output, name);
  const images = ['dirty.fits', 'psf.fits', 'truth.fits'].map(file);
  const [sources, curves, note] = ['truth-sources.vot', 'truth-lightcurves.vot', 'simulation.json'].map(file) as [
    string,
    string,
    string,
  ];
  for (const path of [...images, sources, curves, note]) await assertWritable(path);
  const truth = await native().simulateCube(request);
  const { votable } = await import('../results/votable.js');
  const now = new Date();
  await writeFileAtomically(sources, votable(cubeSources(request, truth, now), 'TABLEDATA'));
  await writeFileAtomically(curves, votable(cubeLightCurves(request, truth, now), 'TABLEDATA'));
  const { folder: _folder, ...asked } = request;
  const record = { software: kSoftware, created: now, request: asked, ...truth, sigmaJyBeam: [...truth.sigmaJyBeam] };
  const told = {
    ...record,
    timesS: [...truth.timesS],
    sources: truth.sources.map((it) => ({ ...it, fluxJy: [...it.fluxJy] })),
  };
  await writeFileAtomically(note, [`${JSON.stringify(told, null, 2)}\n`]);
  const [dirty, psf, image] = images;
  if (options.json) {
    const files = { dirty, psf, truth: image, sources, lightcurves: curves, simulation: note };
    return print(JSON.stringify({ ...files, count: truth.sources.length }, null, 2));
  }
  print(
    `dirty cube: ${dirty} (${request.sizePx}x${request.sizePx} pixels, ${request.frames} frames, seed ${request.seed})`,
  );
  print(`PSF:        ${psf}`);
  print(`truth:      ${image}, ${sources}, ${curves} (${truth.sources.length} sources)`);
  print(`record:     ${note}`);
}
