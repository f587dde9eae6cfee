/** What `bench` measures, each with the conditions it was made in. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addEngineOptions, addModelsOption, example, integer, real } from '#otf/cli/options.js';
import { benchArrival } from './arrival.js';
import { benchChains } from './chains.js';
import { benchCianna } from './cianna.js';
import { benchDetect } from './detect.js';
import { benchEngine } from './engine.js';
import { benchFinders } from './finders.js';
import { benchHttp } from './http.js';
import { benchPage } from './page.js';
import { benchQuality } from './quality.js';
import { benchReconstruct } from './reconstruct.js';
import { kCubeSets } from './reconstruct-sets.js';
import { benchReconstructSpeed } from './reconstruct-speed.js';
import { benchResults } from './results.js';
import { benchScale } from './scale.js';
import { benchScore } from './score.js';
import { benchServer } from './server.js';
import { benchSky } from './sky.js';

/** Noise over peak of the acceptance table. */
const kLevels: number[] = [0.2, 0.25, 0.33, 0.5];
/** Sides of cubes whose costs per voxel are compared; the middle one is that of the bars. */
const kWorkers: number[] = [1, 8, 64];

function range(text: string): [number, number] {
  const [low, high, ...more] = text.split(',').map(real(-90, 90));
  if (low === undefined || high === undefined || more.length > 0) throw new InvalidArgumentError('Expected LOW,HIGH.');
  return [low, high];
}

/** The command line's `bench` calls this, and only when it is used. */
export function addBenchmarks(group: Command): void {
  const engine = group
    .command('engine')
    .description('tiles/s, GFLOP/s and share of the matrix-multiply peak, per layer, beside the bare oneDNN layers')
    .addOption(new Option('--model <name>', 'network file or built-in architecture').default('sdc1'))
    .option('--size <n>', 'tile side in pixels', integer(16, 8192), 512)
    .option('--repeats <n>', 'timed forward passes', integer(1, 1000), 5)
    .option('--json', 'as JSON');
  addEngineOptions(engine, 'onednn').action(benchEngine);
  example(engine, [
    'cianna-otf bench engine --quantization BF16 --batch 8',
    'cianna-otf bench engine --size 256 --json',
  ]);

  const cianna = group
    .command('cianna')
    .description("CIANNA's own forward pass beside the same through our bridge: what the bridge costs")
    .addOption(new Option('--model <name>', 'network file or built-in architecture').default('sdc1'))
    .option('--size <n>', 'tile side in pixels', integer(16, 8192), 512)
    .option('--repeats <n>', 'timed forward passes', integer(1, 1000), 5)
    .option('--json', 'as JSON');
  addEngineOptions(cianna, 'cianna').action(benchCianna);
  example(cianna, [
    'cianna-otf bench cianna',
    'cianna-otf bench cianna --engine cianna:blas --model net.dat --batch 4',
  ]);

  const detect = group
    .command('detect')
    .description('whole detections on simulated fields beside the inference alone: times, memory, pixels/s')
    .addOption(new Option('--case <name...>', 'which: MODEL-SIZE').choices(['demo-2048', 'demo-8192', 'sdc1-2048']))
    .addOption(new Option('--measure <effort>', 'also measured').choices(['none', 'fast', 'full']).default('none'))
    .option('--rounds <n>', 'timed detections of each case', integer(1, 100), 3)
    .option('--json', 'as JSON');
  addEngineOptions(addModelsOption(detect), 'onednn').action(benchDetect);
  example(detect, ['cianna-otf bench detect', 'cianna-otf bench detect --case demo-8192 --measure full']);

  const quality = group
    .command('quality')
    .description('reliability and completeness that detections tell of themselves beside the truth of simulated fields')
    .option('--fields <n>', 'how many', integer(1, 1000), 20)
    .option('--size <n>', 'side of a field in pixels', integer(256, 8192), 1024)
    .option('--tiles <n>', 'that are searched again (--quality)', integer(1, 100_000), 64)
    .option('--min-snr <x>', 'of the detections', real(0, 1000), 0)
    .option('--json', 'as JSON')
    .action(benchQuality);
  example(quality, ['cianna-otf bench quality', 'cianna-otf bench quality --fields 4 --min-snr 4.5']);

  const server = group
    .command('server')
    .description('tasks of 512x512 pixels through a server beside the engine alone, and the latency of a lone task')
    .addOption(new Option('--case <network...>', 'which').choices(['demo-continuum', 'sdc1']))
    .option('--tasks <n>', 'tasks submitted at once', integer(1, 100_000), 64)
    .option('--json', 'as JSON');
  addEngineOptions(server).action(benchServer);
  example(server, ['cianna-otf bench server', 'cianna-otf bench server --case demo-continuum --json']);

  const http = group
    .command('http')
    .description('status requests beside a running batch, memory of a large upload, a store of many jobs')
    .option('--seconds <n>', 'of each window of the status measurement', integer(1, 60), 3)
    .option('--upload-mb <n>', 'size of the upload', integer(1, 100_000), 1000)
    .option('--jobs <n>', 'jobs in the store', integer(1, 1_000_000), 10_000)
    .option('--json', 'as JSON')
    .action(benchHttp);
  example(http, ['cianna-otf bench http', 'cianna-otf bench http --json']);

  const sky = group
    .command('sky')
    .description('tiles of a large image, plain and tile-compressed, from a server: latency when made and when kept')
    .option('--size <n>', 'side of the image in pixels', integer(1024, 32768), 8192)
    .option('--tiles <n>', 'tiles of each kind', integer(1, 100_000), 200)
    .option('--json', 'as JSON')
    .action(benchSky);
  example(sky, ['cianna-otf bench sky', 'cianna-otf bench sky --size 2048 --json']);

  const reconstruct = group
    .command('reconstruct')
    .description('transients in simulated cubes: the network beside CLEAN, smoothing in time and a bank of filters')
    .option('--model <id>', 'model id, or path of a model.toml', 'demo-transients')
    .option('--cubes <n>', 'at each level', integer(1, 10_000), 60)
    .option('--seed <k>', 'of the set of cubes', integer(0, 10_000), 77)
    .addOption(
      new Option('--level <s...>', 'noise over peak')
        .default(kLevels)
        .argParser((text, before: number[] | undefined) => [
          ...(before === kLevels ? [] : (before ?? [])),
          real(0.01, 10)(text),
        ]),
    )
    .addOption(
      new Option('--set <name...>', 'which cubes').choices(kCubeSets.map(({ name }) => name)).default(
        kCubeSets.map(({ name }) => name),
        'all',
      ),
    )
    .option('--other-cubes <n>', 'at each level of the sets other than trained', integer(1, 10_000), 20)
    .option('--array <table>', 'of antennas, of a network for another telescope: East North up diameter in m')
    .option('--latitude <deg>', 'of that array', real(-90, 90))
    .option('--declinations <low,high>', 'degrees', range)
    .option('--frequency <MHz>', 'of that network', real(1, 1e6))
    .option('--cell <arcsec>', 'of that network: a pixel', real(1e-4, 3600))
    .option('--hours <h>', 'of that network: all frames', real(1e-3, 24))
    .option('--hour-angles <low,high>', 'degrees', range)
    .addOption(new Option('--weighting <name>', 'of that network').choices(['natural', 'uniform', 'briggs']))
    .option('--robust <r>', "Briggs' parameter", real(-5, 5))
    .option('--calibrate', 'rss_at_threshold of the card, from empty cubes')
    .option('--speed', 'time and memory of one cube, of --size and --frames, instead')
    .addOption(
      new Option(
        '--size <n...>',
        'side in pixels (default: 64); with --speed several (default: 128 256 512)',
      ).argParser((text, before: number[] | undefined) => [...(before ?? []), integer(32, 4096)(text)]),
    )
    .option('--frames <n>', 'of a cube', integer(16, 4096), 32)
    .option('--repeats <n>', 'with --speed: runs', integer(1, 100), 3)
    .option('--json', 'as JSON');
  addEngineOptions(addModelsOption(reconstruct), 'onednn').action((options) =>
    options.speed ? benchReconstructSpeed(options) : benchReconstruct(options),
  );
  example(reconstruct, [
    'cianna-otf bench reconstruct',
    'cianna-otf bench reconstruct --set trained half --level 0.33 --cubes 20',
    'cianna-otf bench reconstruct --speed',
    'cianna-otf bench reconstruct --speed --size 1024 --frames 256 --repeats 1',
  ]);

  const chains = group
    .command('chains')
    .description('what a step of a chain costs beside its job')
    .option('--steps <n>', 'jobs one after the other', integer(2, 100), 50)
    .option('--json', 'as JSON')
    .action(benchChains);
  example(chains, ['cianna-otf bench chains', 'cianna-otf bench chains --steps 10 --json']);

  const scale = group
    .command('scale')
    .description('workers whose devices are clocks: what of them is used, what a task costs server and broker')
    .option('--workers <n...>', 'how many (default: 1 8 64)', (text, before: number[] | undefined) => [
      ...(before ?? []),
      integer(1, 256)(text),
    ])
    .option('--seconds <n>', 'of the window', integer(1, 600), 30)
    .option('--warm-up <n>', 'seconds before it, in which code is compiled', integer(0, 600), 30)
    .option('--json', 'as JSON')
    .action((options) => benchScale({ ...options, workers: options.workers ?? kWorkers }));
  example(scale, ['cianna-otf bench scale', 'cianna-otf bench scale --workers 1 64 --seconds 60']);

  const arrival = group
    .command('arrival')
    .description('an image by URL, searched while it arrives, beside the search alone and the download')
    .option('--case <network...>', 'demo-continuum, sdc1 (default: both)')
    .option('--size <n>', 'side of the image in pixels', integer(512, 16_384), 8192)
    .option('--repeats <n>', 'of each case', integer(1, 100), 3)
    .option('--quantization <type>', 'compute type', 'FP32')
    .option('--json', 'as JSON')
    .action(benchArrival);
  example(arrival, ['cianna-otf bench arrival', 'cianna-otf bench arrival --case sdc1 --quantization BF16']);

  const results = group
    .command('results')
    .description('how fast each result format is made, without a disk')
    .action(benchResults);
  example(results, ['cianna-otf bench results']);

  const score = group
    .command('score')
    .description("the challenge's scorer on random catalogues as large as the published ones: time and memory")
    .option('--submission <n>', 'rows', integer(1, 100_000_000), 724_473)
    .option('--truth <n>', 'rows', integer(1, 100_000_000), 5_060_741)
    .option('--rounds <n>', 'how often', integer(1, 100), 3)
    .option('--json', 'as JSON')
    .action(benchScore);
  example(score, ['cianna-otf bench score']);

  const finders = group
    .command('finders')
    .description('Source Extractor and SEP (source-extractor, python3-sep) beside this program on simulated fields')
    .option('--size <n>', 'side of a field in pixels', integer(256, 16_384), 2048)
    .option('--fields <n>', 'fields that are shown', integer(1, 100), 3)
    .option('--json', 'as JSON')
    .action(benchFinders);
  example(finders, ['cianna-otf bench finders', 'cianna-otf bench finders --size 1024 --fields 1']);

  const page = group
    .command('page')
    .description('the page in a headless Chromium: an image that pans, its tiles, a table that scrolls')
    .option('--size <n>', 'side of the image in pixels', integer(512, 32_768), 8192)
    .option('--rows <n>', 'rows of the catalogue', integer(1, 1_000_000), 100_000)
    .option('--seconds <n>', 'of panning and of scrolling', integer(1, 60), 5)
    .action(benchPage);
  example(page, ['cianna-otf bench page', 'cianna-otf bench page --size 2048 --rows 10000']);
}
