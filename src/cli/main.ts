/** The command line: what there is. Each command lives in the file of its name. */
import { Command, CommanderError } from 'commander';
import { kSoftware } from '../version.js';
import { registerBackup } from './backup.js';
import { registerBench } from './bench.js';
import { registerDashboard } from './dashboard.js';
import { registerDemo } from './demo.js';
import { registerDetect } from './detect.js';
import { registerEngines } from './engines.js';
import { report, survivePipes } from './failure.js';
import { registerInfer } from './infer.js';
import { registerJobs } from './jobs.js';
import { registerManual } from './manual.js';
import { registerMatch } from './match.js';
import { registerMeasure } from './measure.js';
import { registerModels } from './models.js';
import { registerPilots } from './pilots.js';
import { registerPreview } from './preview.js';
import { registerReconstruct } from './reconstruct.js';
import { registerRun } from './run.js';
import { registerScore } from './score.js';
import { registerServe } from './serve.js';
import { registerSimulate } from './simulate.js';
import { registerSubmit } from './submit.js';
import { registerToken } from './token.js';
import { registerUsage } from './usage.js';
import { registerWatch } from './watch.js';
import { registerWorker } from './worker.js';

const kAfterHelp = `
First steps:
  cianna-otf demo                      the whole thing on an example
  cianna-otf detect IMAGE.fits         a catalogue of your image
  cianna-otf COMMAND --help            options and an example

Exit codes: 0 ok, 1 the work failed, 2 wrong usage, 3 server unreachable, 4 not done within --timeout.
OTF_DEBUG=1 shows where an error came from.`;

async function program(args: string[]): Promise<Command> {
  const root = new Command(kSoftware.name)
    .description('FITS images in, source catalogues (IVOA VOTable) out, through networks of CIANNA')
    .version(kSoftware.version)
    .addHelpText('after', kAfterHelp)
    .exitOverride()
    // Usage errors are reported like every other error: by report(), in one line.
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true);
  registerDemo(root);
  registerServe(root);
  registerWorker(root);
  registerPilots(root);
  registerRun(root);
  registerSubmit(root);
  registerWatch(root);
  registerJobs(root);
  registerDashboard(root);
  registerDetect(root);
  registerReconstruct(root);
  registerInfer(root);
  registerModels(root);
  registerEngines(root);
  registerPreview(root);
  registerSimulate(root);
  registerToken(root);
  registerUsage(root);
  registerBackup(root);
  registerManual(root);
  registerMeasure(root);
  registerScore(root);
  registerMatch(root);
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
