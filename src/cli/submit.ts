/** `submit IMAGE...`: images to a server, one job each. */
import type { Command } from 'commander';
import { UwsClient } from '../client/client.js';
import type { RemoteJob } from '../client/documents.js';
import { OtfError } from '../errors/catalogue.js';
import type { FormatName } from '../results/formats.js';
import { example, type Four, formatOption, integer, pixelBox, skyRegion } from './options.js';
import { progressBar } from './progress.js';
import { addServerOptions, downloadAll, type RemoteOptions, waitForEnd } from './remote.js';
import { print } from './table.js';

interface SubmitOptions extends RemoteOptions {
  model?: string;
  quantization?: string;
  roi?: Four;
  box?: Four;
  runId?: string;
  priority?: number;
  format?: FormatName;
  wait?: boolean;
  output?: string;
}

export function registerSubmit(root: Command): void {
  const command = root
    .command('submit')
    .description('send images to a server, one job each')
    .argument('<image...>', 'FITS files, or http(s) URLs the server fetches itself')
    .option('--model <id>', "model id (default: the server's)")
    .option('--quantization <type>', 'compute type, e.g. FP32C_FP32A')
    .option('--roi <ra,dec,w,h>', 'only this part: centre in degrees, size in pixels', skyRegion)
    .option('--box <x,y,w,h>', 'only this part: pixels, the first is 1,1', pixelBox)
    .option('--run-id <text>', 'a name of yours for the jobs')
    .option('--priority <n>', 'of your waiting jobs the highest goes first: 0 to 9, else 5', integer(0, 9))
    .addOption(formatOption("format of the catalogue (default: the server's, votable)"))
    .option('--wait', 'until the jobs have ended')
    .option('-o, --output <dir>', 'wait, then put the results there')
    .action(submit);
  example(addServerOptions(command), [
    'cianna-otf submit field.fits --wait',
    'cianna-otf submit *.fits --model demo-continuum -o results/',
  ]);
}

interface Submitted {
  image: string;
  id: string;
  phase?: string;
  error?: string;
  files?: string[];
}

async function submit(images: string[], options: SubmitOptions): Promise<void> {
  const client = new UwsClient(options.server);
  const fields = formFields(options);
  const submitted: Submitted[] = [];
  for (const image of images) {
    const bar = progressBar('bytes');
    try {
      const id = await client.submit(image, fields, bar.update);
      submitted.push({ image, id });
      if (!options.json) print(`${id}  ${image}`);
    } finally {
      bar.stop();
    }
  }
  if (options.wait || options.output !== undefined) {
    for (const entry of submitted) await follow(client, entry, options);
  }
  if (options.json) print(JSON.stringify(submitted, null, 2));
  const failed = submitted.filter(({ phase }) => phase !== undefined && phase !== 'COMPLETED');
  if (failed.length === 0) return;
  const [first] = failed;
  throw new OtfError(
    'OTF_SERVER_ANSWER',
    `${failed.length} of ${submitted.length} jobs failed: ${first?.id}: ${first?.error ?? first?.phase}`,
  );
}

async function follow(client: UwsClient, entry: Submitted, options: SubmitOptions): Promise<void> {
  const job: RemoteJob = await waitForEnd(client, entry.id);
  entry.phase = job.phase;
  if (job.error !== undefined) entry.error = job.error;
  if (!options.json) print(`${entry.id}  ${job.phase}${job.error === undefined ? '' : `: ${job.error}`}`);
  if (options.output === undefined || job.phase !== 'COMPLETED') return;
  entry.files = await downloadAll(client, job, options.output);
  if (!options.json) for (const file of entry.files) print(`  ${file}`);
}

function formFields(options: SubmitOptions): Record<string, string> {
  const { model, quantization, roi, box, runId, priority, format } = options;
  return {
    ...(model === undefined ? {} : { MODEL: model }),
    ...(quantization === undefined ? {} : { QUANTIZATION: quantization }),
    ...(roi === undefined ? {} : { ROI: roi.join(',') }),
    // The native side counts pixels from 0, people and the service from 1.
    ...(box === undefined ? {} : { BOX: [box[0] + 1, box[1] + 1, box[2], box[3]].join(',') }),
    ...(runId === undefined ? {} : { RUNID: runId }),
    ...(priority === undefined ? {} : { PRIORITY: String(priority) }),
    ...(format === undefined ? {} : { RESPONSEFORMAT: format }),
  };
}
