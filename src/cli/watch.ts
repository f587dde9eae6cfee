/** `watch`: one job for every new object of a folder, a bucket, or the messages of a broker. */
import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../config/load.js';
import { OtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import { readBroker } from '../events/mqtt.js';
import { s3Credentials } from '../fetch/s3-credentials.js';
import { printable } from '../io/terminal.js';
import { kKinds } from '../tasks/registry.js';
import { Ledger } from '../watch/ledger.js';
import type { Source } from '../watch/source.js';
import { isFolder, placeOf, stateFileOf } from '../watch/state-file.js';
import { Watcher } from '../watch/watcher.js';
import { example, formatOption, integer, real } from './options.js';
import { addParameterOptions, allFormats, allParameters, fieldsOfOptions } from './parameters.js';
import { addServerOption, clientOf, type RemoteOptions } from './remote.js';

/** And those of the parameters of every kind. */
interface WatchOptions extends RemoteOptions {
  state?: string;
  settle: number;
  every: number;
  onlyNew?: boolean;
  input: string;
  model?: string;
  quantization?: string;
  runId?: string;
  priority?: number;
  format?: string;
  config?: string;
  user?: string;
  passwordFile?: string;
  ca?: string;
}

const kSignals = ['SIGINT', 'SIGTERM'] as const;
const kInputs = [...new Set(kKinds.flatMap(({ inputs }) => inputs.map(({ name }) => name)))];

export function registerWatch(root: Command): void {
  const command = addServerOption(
    root
      .command('watch')
      .description('make a job of every new image (docs/events.md), each once, until it is ended')
      .argument('<where>', 'a folder, s3://BUCKET/PREFIX, or mqtt://host:port/topic (mqtts)'),
  )
    .option('--state <file>', 'which objects have jobs (default: in this folder, named after WHERE)')
    .option('--only-new', 'leave alone what is there when it is started for the first time')
    .option('--settle <s>', 'a file counts when it has been the same for so long', real(0, 86_400), 5)
    .option('--every <s>', 'between two listings of a bucket', integer(1, 86_400), 30)
    .option('--input <name>', 'of the job, what the object is', inputName, 'IMAGE')
    .option('--model <id>', "model id (default: the server's)")
    .option('--quantization <type>', 'compute type, e.g. FP32C_FP32A');
  addParameterOptions(command, allParameters())
    .option('--run-id <text>', 'a name of yours for the jobs; {name} and {stem} are those of the object')
    .option('--priority <n>', '0 to 9, else 5', integer(0, 9))
    .addOption(formatOption(allFormats(), "format of the result (default: the server's, votable)"))
    .option('--config <file>', 'otf.toml with the keys of the bucket ([fetch.s3.NAME])')
    .option('--user <name>', 'at the MQTT broker')
    .option('--password-file <file>', 'with the password in it')
    .option('--ca <file>', "PEM: who signs for the broker's certificate");
  example(command.action(watch), [
    "cianna-otf watch /data/incoming --run-id '{stem}' --model demo-continuum",
    'cianna-otf watch mqtts://broker.example.org/catalogue/new --user otf --password-file broker.pw --state catalogue.watch',
  ]);
}

function inputName(text: string): string {
  const name = text.toUpperCase();
  if (kInputs.includes(name)) return name;
  throw new InvalidArgumentError(`Expected one of ${kInputs.join(', ')}.`);
}

async function watch(where: string, options: WatchOptions): Promise<void> {
  const say = (line: string) => process.stderr.write(`${new Date().toISOString()} ${printable(line)}\n`);
  const client = await clientOf(options);
  const stop = new AbortController();
  for (const signal of kSignals) process.once(signal, () => stop.abort());
  const ledger = new Ledger(options.state ?? stateFileOf(where), placeOf(where));
  try {
    const source = await sourceOf(where, options, ledger, say);
    const { onlyNew = false, input, model, quantization, runId, priority, format } = options;
    const fields = {
      ...fieldsOfOptions({ ...options }, allParameters()),
      ...fieldsOfOptions({ model, quantization, runid: runId, priority, responseformat: format }, kOthers),
    };
    say(`watching ${source.label}`);
    await new Watcher({ client, source, ledger, fields, input, onlyNew, say, signal: stop.signal }).watch();
  } finally {
    ledger.close();
  }
}

const kOthers = ['MODEL', 'QUANTIZATION', 'RUNID', 'PRIORITY', 'RESPONSEFORMAT'].map((name) => ({ name }));

async function sourceOf(
  where: string,
  { settle, every, config: file, user, passwordFile, ca }: WatchOptions,
  ledger: Ledger,
  say: (line: string) => void,
): Promise<Source> {
  if (/^mqtts?:/i.test(where)) {
    const broker = readBroker(where);
    if (!broker?.topic) throw new OtfError('OTF_USAGE', `${publicUrl(where)} is no mqtt://host:port/topic`);
    const { TopicSource } = await import('../watch/topic.js');
    return new TopicSource({ broker, secrets: { user, passwordFile, caFile: ca }, clientId: ledger.clientId, say });
  }
  if (/^s3:/i.test(where)) {
    const address = new URL(where);
    const { fetch } = await loadConfig({ file, env: process.env });
    const store = s3Credentials(fetch.s3).find(({ buckets }) => buckets.includes(address.hostname));
    if (!store)
      throw new OtfError(
        'OTF_USAGE',
        `no keys for the bucket ${address.hostname}: name it in [fetch.s3.NAME] of --config`,
      );
    const { BucketSource } = await import('../watch/bucket.js');
    return new BucketSource(address, store, every * 1000, say);
  }
  if (!isFolder(where)) throw new OtfError('OTF_USAGE', `${publicUrl(where)}: not a folder, s3:// or mqtt://`);
  const { FolderSource } = await import('../watch/folder.js');
  return new FolderSource(where, settle * 1000, say);
}
