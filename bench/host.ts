/** A server in a process of its own for measurements, and the models they use. */
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { native } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { sha256File } from '#otf/io/checksum.js';
import { kDefaultModel, kShippedModelsDir } from '#otf/models/registry.js';

const kProgram = fileURLToPath(new URL('../../bin/cianna-otf.js', import.meta.url));
const kStartMs = 30_000;
const kSeed = 20240211;

export interface BenchServer {
  url: string;
  pid: number;
  stop: () => Promise<void>;
}

/** As deploy/systemd starts it. */
const kNodeOptions = '--max-semi-space-size=64';
const kNodeArguments = ['--initial-old-space-size=128'];

/** Settings by their environment names, e.g. CIANNA_OTF_POLICY_MAX_QUEUED. */
export async function startBenchServer(
  dataDir: string,
  models: string,
  settings: Record<string, string>,
  more: readonly string[] = [],
): Promise<BenchServer> {
  const args = [
    ...kNodeArguments,
    kProgram,
    'serve',
    '--port',
    '0',
    '--data-dir',
    dataDir,
    '--models',
    models,
    ...more,
  ];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: `${kNodeOptions} ${process.env.NODE_OPTIONS ?? ''}`, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new OtfError('OTF_ENGINE_FAILED', 'the server does not start')), kStartMs);
    child.once('exit', () => reject(new OtfError('OTF_ENGINE_FAILED', 'the server ended')));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const found = /"url":"([^"]+)".*"msg":"listening"/.exec(text)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      // The rest of the log is let pass unread: that would be taken from the server.
      child.stdout.removeAllListeners('data').resume();
      resolve(found);
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url, pid: child.pid ?? 0, stop };
}

/** The id of what an answer says was made. Throws OTF_SERVER_ANSWER. */
export async function madeJob(answer: Response): Promise<string> {
  if (answer.status === 303) return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
  throw new OtfError('OTF_SERVER_ANSWER', `the server answered ${answer.status}: ${await answer.text()}`);
}

/** A job nobody starts, for others to take its IMAGE from. */
export async function uploadedImage({ url }: BenchServer, image: Buffer): Promise<string> {
  const body = new FormData();
  body.append('IMAGE', new Blob([new Uint8Array(image)]), 'field.fits');
  return madeJob(await fetch(`${url}/jobs`, { method: 'POST', body, redirect: 'manual' }));
}

/** A folder with the demonstration model and, as `sdc1`, the published architecture with random weights. */
export async function benchModels(folder: string): Promise<string> {
  const addon = native();
  const from = join(kShippedModelsDir, kDefaultModel);
  const demo = await readFile(join(from, 'model.toml'), 'utf8');
  const models = join(folder, 'models');
  await mkdir(join(models, kDefaultModel), { recursive: true });
  await mkdir(join(models, 'sdc1'));
  await cp(from, join(models, kDefaultModel), { recursive: true });
  const weights = join(models, 'sdc1', 'weights.dat');
  await addon.writeArchitecture('sdc1', kSeed, weights);
  const digest = await sha256File(weights);
  // Random weights find nothing: the thresholds only have to be reached rarely.
  const card = demo
    .replace(`id = "${kDefaultModel}"`, 'id = "sdc1"')
    .replace(/^aliases = .*$/m, 'aliases = []')
    .replace(/^sha256 = .*$/m, `sha256 = "${digest}"`)
    .replace(/^int8 = .*\n/m, '')
    .replace(', "INT8C_INT32A"', '')
    .replace(/^tile = .*$/m, 'tile = 512')
    .replace(/^boxes = .*$/m, 'boxes = 9')
    .replace(/^(min_snr|measured_objectness_threshold) = .*\n/gm, '')
    .replace(/^objectness_threshold = .*$/m, `objectness_threshold = [${new Array(9).fill('0.95').join(', ')}]`);
  await writeFile(join(models, 'sdc1', 'model.toml'), card);
  return models;
}
