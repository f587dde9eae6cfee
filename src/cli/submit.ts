/** `submit IMAGE...`: images to a server, one job each. */
import type { Command } from 'commander';
import { isRemote, type UwsClient } from '../client/client.js';
import { OtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import { printable } from '../io/terminal.js';
import { extrasOption, makeFolder } from './download.js';
import { followAll, type Submitted, unfinished } from './follow.js';
import { example, formatOption, integer } from './options.js';
import { Stems } from './output-names.js';
import {
  addInputOptions,
  addParameterOptions,
  allFormats,
  allParameters,
  fieldsOfOptions,
  furtherInputs,
} from './parameters.js';
import { type ProgressBar, progressBar } from './progress.js';
import { addServerOptions, addTimeoutOption, clientOf, deadline, type RemoteOptions } from './remote.js';
import { checkImages } from './submit-check.js';
import { print } from './table.js';

/** And those of the parameters and inputs of every kind. */
interface SubmitOptions extends RemoteOptions {
  model?: string;
  quantization?: string;
  runId?: string;
  after?: string[];
  resultsTo?: string;
  priority?: number;
  format?: string;
  parallel: number;
  check: boolean;
  wait?: boolean;
  timeout?: number;
  output?: string;
  extras?: boolean;
}

export function registerSubmit(root: Command): void {
  const command = root
    .command('submit')
    .description('send images to a server, one job each')
    .argument(
      '<image...>',
      'FITS files, URLs the server fetches itself (http, https, dav, davs, s3), or job:ID/IMAGE of a job it has',
    )
    .option('--model <id>', "model id (default: the server's)")
    .option('--quantization <type>', 'compute type, e.g. FP32C_FP32A');
  addParameterOptions(command, allParameters());
  addInputOptions(command, furtherInputs());
  command
    .option('--after <id...>', 'jobs that must have ended well first')
    .option('--results-to <url>', 'where results go as well: presigned, s3://, dav:// or davs://; a folder ends with /')
    .option('--run-id <text>', 'a name of yours for the jobs')
    .option('--priority <n>', 'of your waiting jobs the highest goes first: 0 to 9, else 5', integer(0, 9))
    .addOption(formatOption(allFormats(), "format of the result (default: the server's, votable)"))
    .option('--parallel <n>', 'images sent at a time', integer(1, 64), 1)
    .option('--no-check', 'send images without looking at their headers first')
    .option('--wait', 'until the jobs have ended')
    .option('-o, --output <dir>', 'wait, then put the results there: a.vot for a.fits, a-2.vot for a second one')
    .addOption(extrasOption())
    .action(submit);
  example(addServerOptions(addTimeoutOption(command)), [
    'cianna-otf submit field.fits --wait --timeout 600',
    'cianna-otf submit *.fits --parallel 4 --model demo-continuum -o results/',
  ]);
}

async function submit(images: string[], options: SubmitOptions): Promise<void> {
  const follows = options.wait || options.output !== undefined;
  if (options.timeout !== undefined && !follows) {
    throw new OtfError('OTF_USAGE', '--timeout limits the waiting: give it with --wait or -o DIR');
  }
  const client = await clientOf(options);
  const fields = parameterFields(options);
  if (options.check) await checkImages(images, fields);
  if (options.output !== undefined) await makeFolder(options.output);
  const given = await Promise.all(images.map((image) => wholeReference(client, image)));
  const { submitted, failure } = await sendAll(client, given, options, fields);
  try {
    if (follows && submitted.length > 0) {
      const { output, json, extras } = options;
      await followAll(client, submitted, { output, json, extras, untilMs: deadline(options.timeout) });
    }
  } finally {
    // Whatever became of the waiting: the jobs are there.
    const told = submitted.map(({ stem, ...entry }) => entry);
    if (options.json) print(JSON.stringify(told, null, 2));
  }
  if (failure) throw failure;
  refuseUnfinished(submitted, options);
}

/** job:ID/NAME with the whole of the id. */
async function wholeReference(client: UwsClient, image: string): Promise<string> {
  const [, id, name] = /^job:([^/]+)\/([^/]+)$/.exec(image) ?? [];
  return id === undefined || name === undefined ? image : `job:${await client.resolve(id)}/${name}`;
}

/** What was sent, in the order of the images, and the first failure: after it nothing more is begun. */
async function sendAll(
  client: UwsClient,
  images: readonly string[],
  options: SubmitOptions,
  parameters: Record<string, string>,
): Promise<{ submitted: Submitted[]; failure?: unknown }> {
  const fields = { ...formFields(options), ...parameters };
  const others = fieldsOfOptions({ ...options }, furtherInputs());
  const names = new Stems();
  const stems = images.map((image) => names.of(image));
  const sent = new Map<number, Submitted>();
  const follows = options.wait || options.output !== undefined;
  const waiting = images.entries();
  const failures: unknown[] = [];
  // Bars of several uploads at a time would write over each other.
  const bars =
    options.parallel === 1 ? progressBar : (): ProgressBar => ({ update: () => undefined, stop: () => undefined });
  const sender = async () => {
    for (const [index, image] of waiting) {
      const bar = bars('bytes');
      try {
        const shown = isRemote(image) ? publicUrl(image) : image;
        const id = await client.submit({ IMAGE: image, ...others }, fields, bar.update);
        sent.set(index, { image: shown, id, stem: stems[index] ?? id });
        bar.stop();
        // Of those that are followed the end is told, if we and the server are there: their ids are known from now on.
        if (follows) process.stderr.write(`${printable(`${id}  ${shown}`)}\n`);
        else if (!options.json) print(printable(`${id}  ${shown}`));
      } catch (thrown) {
        failures.push(thrown);
      } finally {
        bar.stop();
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, sender));
  const submitted = [...sent].sort(([a], [b]) => a - b).map(([, entry]) => entry);
  return failures.length === 0 ? { submitted } : { submitted, failure: failures[0] };
}

/** A job that failed is worse than one that is not done. Throws OTF_SERVER_ANSWER, OTF_TIMEOUT. */
function refuseUnfinished(submitted: readonly Submitted[], { timeout }: SubmitOptions): void {
  const { failed, late } = unfinished(submitted);
  const [first] = failed;
  if (first) {
    const why = `${first.id}: ${first.error ?? first.phase}`;
    throw new OtfError('OTF_SERVER_ANSWER', `${failed.length} of ${submitted.length} jobs failed: ${why}`);
  }
  if (late.length === 0) return;
  const ids = late.map(({ id }) => id).slice(0, 3);
  const which = ids.join(', ') + (late.length > ids.length ? ', ...' : '');
  throw new OtfError(
    'OTF_TIMEOUT',
    `${late.length} of ${submitted.length} jobs are not done after ${timeout} s, and go on: ${which}`,
  );
}

function parameterFields(options: SubmitOptions): Record<string, string> {
  return fieldsOfOptions({ ...options }, allParameters());
}

function formFields({
  model,
  quantization,
  runId,
  after,
  resultsTo,
  priority,
  format,
}: SubmitOptions): Record<string, string> {
  return {
    ...(model === undefined ? {} : { MODEL: model }),
    ...(quantization === undefined ? {} : { QUANTIZATION: quantization }),
    ...(runId === undefined ? {} : { RUNID: runId }),
    ...(after === undefined ? {} : { AFTER: after.join(',') }),
    ...(resultsTo === undefined ? {} : { RESULTS_TO: resultsTo }),
    ...(priority === undefined ? {} : { PRIORITY: String(priority) }),
    ...(format === undefined ? {} : { RESPONSEFORMAT: format }),
  };
}
