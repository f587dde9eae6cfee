/** The command line: what there is. Each command lives in the file of its name. */
import { Command, CommanderError } from 'commander';
import { kSoftware } from '../version.js';
import { registerBench } from './bench.js';
import { report, survivePipes } from './failure.js';

const kAfterHelp = `
First steps:
  cianna-otf demo                      the whole thing on an example
  cianna-otf detect IMAGE.fits         a catalogue of your image
  cianna-otf COMMAND --help            options and an example

Exit codes: 0 ok, 1 the work failed, 2 wrong usage, 3 server unreachable, 4 not done within --timeout.
OTF_DEBUG=1 shows where an error came from.`;

/** In the order in which help tells of them. To load all takes longer than most of them take: only what is asked for is. */
export const kCommands: readonly { names: string[]; load: () => Promise<(root: Command) => void> }[] = [
  { names: ['demo'], load: async () => (await import('./demo.js')).registerDemo },
  { names: ['serve'], load: async () => (await import('./serve.js')).registerServe },
  { names: ['worker'], load: async () => (await import('./worker.js')).registerWorker },
  { names: ['pilots'], load: async () => (await import('./pilots.js')).registerPilots },
  { names: ['run'], load: async () => (await import('./run.js')).registerRun },
  { names: ['submit'], load: async () => (await import('./submit.js')).registerSubmit },
  { names: ['watch'], load: async () => (await import('./watch.js')).registerWatch },
  {
    names: ['jobs', 'status', 'wait', 'results', 'abort', 'delete'],
    load: async () => (await import('./jobs.js')).registerJobs,
  },
  { names: ['dashboard'], load: async () => (await import('./dashboard.js')).registerDashboard },
  { names: ['detect'], load: async () => (await import('./detect.js')).registerDetect },
  { names: ['reconstruct'], load: async () => (await import('./reconstruct.js')).registerReconstruct },
  { names: ['infer'], load: async () => (await import('./infer.js')).registerInfer },
  { names: ['models'], load: async () => (await import('./models.js')).registerModels },
  { names: ['engines'], load: async () => (await import('./engines.js')).registerEngines },
  { names: ['preview'], load: async () => (await import('./preview.js')).registerPreview },
  { names: ['simulate'], load: async () => (await import('./simulate.js')).registerSimulate },
  { names: ['token'], load: async () => (await import('./token.js')).registerToken },
  { names: ['usage'], load: async () => (await import('./usage.js')).registerUsage },
  { names: ['backup'], load: async () => (await import('./backup.js')).registerBackup },
  { names: ['completion', 'man'], load: async () => (await import('./manual.js')).registerManual },
  { names: ['measure'], load: async () => (await import('./measure.js')).registerMeasure },
  { names: ['score'], load: async () => (await import('./score.js')).registerScore },
  { names: ['match'], load: async () => (await import('./match.js')).registerMatch },
];
/** These tell of all the others, those of none. */
const [kOfAll, kOfNone] = [
  ['completion', 'man'],
  ['-V', '--version'],
];

async function commandsFor([name = '']: string[]): Promise<((root: Command) => void)[]> {
  if (kOfNone.includes(name)) return [];
  const asked = kOfAll.includes(name) ? undefined : kCommands.find(({ names }) => names.includes(name));
  return Promise.all((asked ? [asked] : kCommands).map(({ load }) => load()));
}

async function program(args: string[]): Promise<Command> {
  const root = new Command(kSoftware.name)
    .description('FITS images in, source catalogues (IVOA VOTable) out, through networks of CIANNA')
    .version(kSoftware.version)
    .addHelpText('after', kAfterHelp)
    .exitOverride()
    // Usage errors are reported like every other error: by report(), in one line.
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true);
  for (const register of await commandsFor(args)) register(root);
  await registerBench(root, args);
  return root;
}

/** Runs one command; gives the exit code. */
export async function run(args: string[]): Promise<number> {
  survivePipes();
  try {
    const root = await program(args);
    if (args.length === 0) {
      process.stderr.write(`${root.helpInformation()}${kAfterHelp}\n`);
      return 2;
    }
    await root.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    return report(thrown);
  }
}
