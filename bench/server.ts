/** `bench server`: tasks through a real server beside the engine alone, in one run; and the latency of a lone task. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineOptions } from '#otf/cli/options.js';
import { print, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { EngineSupervisor } from '#otf/engine/supervisor.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { networkOf } from '#otf/models/card.js';
import { quantizationName } from '#otf/models/quantization.js';
import { resolveModel } from '#otf/tasks/cards.js';
import { detectorCard, toDetectorConfig } from '#otf/tasks/detection/card.js';
import { BenchClient } from './client.js';
import { conditions, printConditions } from './conditions.js';
import { median } from './engine.js';
import { benchModels, startBenchServer } from './host.js';

interface BenchServerOptions extends EngineOptions {
  case?: string[];
  tasks: number;
  json?: boolean;
}

export interface ServerReport {
  network: string;
  tasks: number;
  tilesPerTask: number;
  /** Tiles per second: the engine alone (mean of before and after), and first submission to last COMPLETED. */
  engineTilesPerSecond: number;
  serverTilesPerSecond: number;
  share: number;
  batches: number;
  /** Milliseconds, medians of lone tasks: seen by a client, in the network, the difference. */
  latencyMs: number;
  inferenceMs: number;
  overheadMs: number;
}

/** The goals: share of the engine's own rate, and what a lone task may take beside its inference. */
const kWantedShare = new Map([
  ['sdc1', 0.95],
  ['demo-continuum', 0.6],
]);
const kWantedOverheadMs = 60;
const kSizePx = 512;
const kLone = 7;
const kAtOnce = 4;
const kAloneMs = 4000;

export async function benchServer(options: BenchServerOptions): Promise<void> {
  const before = await conditions();
  const addon = native();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  const reports: ServerReport[] = [];
  try {
    const output = join(folder, 'field.fits');
    await addon.simulate({ output, sizePx: kSizePx, density: 0.001, noise: 4e-7, seed: 1 });
    const image = await readFile(output);
    const models = await benchModels(folder);
    for (const network of options.case ?? ['demo-continuum', 'sdc1']) {
      if (process.stderr.isTTY) process.stderr.write(`${network} ...\n`);
      reports.push(await runCase({ network, image, folder, models }, options));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (options.json) return print(JSON.stringify({ conditions: before, cases: reports }, null, 2));
  printConditions(before);
  print('');
  printReports(reports);
}

interface Case {
  network: string;
  image: Buffer;
  folder: string;
  models: string;
}

async function runCase(it: Case, options: BenchServerOptions): Promise<ServerReport> {
  const settings = {
    CIANNA_OTF_ENGINE_BATCH: String(options.batch),
    CIANNA_OTF_ENGINE_THREADS: String(options.threads),
    CIANNA_OTF_ENGINE_DEFAULT: options.engine,
    CIANNA_OTF_LOGGING_LEVEL: 'info',
  };
  const aloneBefore = await engineAlone(it, options);
  const server = await startBenchServer(join(it.folder, `data-${it.network}`), it.models, settings);
  const client = new BenchClient(server.url);
  try {
    const quantization = options.quantization ? { QUANTIZATION: options.quantization } : {};
    const form = upload(it.image, { MODEL: it.network, ...quantization });
    // Loads the network and touches every page.
    await waitFor(client, await submit(client, form));
    const lone: { latencyMs: number; inferenceMs: number }[] = [];
    for (let i = 0; i < kLone; i++) lone.push(await loneTask(client, form));
    const begun = performance.now();
    const ids: string[] = [];
    const submitSome = async () => {
      while (ids.length < options.tasks) {
        const place = ids.push('') - 1;
        ids[place] = await submit(client, form);
      }
    };
    await Promise.all(Array.from({ length: kAtOnce }, submitSome));
    const jobs = await Promise.all(ids.map((id) => waitFor(client, id)));
    const seconds = (performance.now() - begun) / 1000;
    const tilesPerTask = Number(jobs[0]?.info.tilesTotal ?? 0);
    // The machine may have become slower or faster meanwhile: what lies between is compared with both.
    const alone = (aloneBefore + (await engineAlone(it, options))) / 2;
    const serverRate = (tilesPerTask * ids.length) / seconds;
    return {
      network: it.network,
      tasks: ids.length,
      tilesPerTask,
      engineTilesPerSecond: alone,
      serverTilesPerSecond: serverRate,
      share: serverRate / alone,
      batches: new Set(jobs.map((job) => job.info.batchId)).size,
      latencyMs: median(lone.map((each) => each.latencyMs)),
      inferenceMs: median(lone.map((each) => each.inferenceMs)),
      overheadMs: median(lone.map((each) => each.latencyMs - each.inferenceMs)),
    };
  } finally {
    client.close();
    await server.stop();
  }
}

/** Tiles per second of full passes in a process of the same kind, nothing beside it. */
async function engineAlone(it: Case, options: BenchServerOptions): Promise<number> {
  const addon = native();
  const card = await resolveModel(it.models, it.network);
  const opened = addon.openDetectionModel({
    ...networkOf(card),
    detector: toDetectorConfig(detectorCard(card)),
  });
  const spec = {
    key: it.network,
    network: { path: card.weightsPath, sha256: card.sha256 },
    engine: options.engine,
    quantization: quantizationName(options.quantization ?? 'FP32'),
    threads: options.threads,
    inputBias: card.input_bias,
    item: { width: card.tile, height: card.tile, depth: 1 },
    valuesIn: opened.valuesIn,
    valuesOut: opened.valuesOut,
    batch: options.batch,
    slots: 1,
  };
  const nothing = () => undefined;
  const engine = new EngineSupervisor(
    spec,
    { readyMs: 120_000, hangMs: 600_000, firstMs: 600_000 },
    { started: nothing, died: nothing },
  );
  try {
    await engine.forward(0, options.batch);
    const begun = performance.now();
    const times: number[] = [];
    while (times.length < 3 || performance.now() - begun < kAloneMs) {
      const from = performance.now();
      await engine.forward(0, options.batch);
      times.push((performance.now() - from) / 1000);
    }
    return options.batch / median(times);
  } finally {
    await engine.close();
    addon.closeDetectionModel(opened.model);
  }
}

interface Upload {
  body: Buffer;
  headers: string;
}

/** A request body made once: the client must not take what is measured from the server. */
function upload(image: Buffer, fields: Record<string, string>): Upload {
  const boundary = 'cianna-otf-bench';
  const part = (name: string, more: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const texts = Object.entries({ ...fields, PHASE: 'RUN' }).map(([name, value]) => `${part(name, '')}${value}\r\n`);
  const head = `${texts.join('')}${part('IMAGE', '; filename="field.fits"')}`;
  const body = Buffer.concat([Buffer.from(head), image, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  const headers = `Content-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${body.length}\r\n`;
  return { body, headers };
}

async function submit(client: BenchClient, { body, headers }: Upload): Promise<string> {
  const { status, location } = await client.exchange('POST /jobs', headers, body);
  if (status !== 303) throw new OtfError('OTF_SERVER_ANSWER', `the server answered ${status}`);
  return location.split('/').pop() ?? '';
}

interface Ended {
  info: Record<string, string | undefined>;
}

async function waitFor(client: BenchClient, id: string): Promise<Ended> {
  for (;;) {
    const { text } = await client.exchange(`GET /jobs/${id}?WAIT=60`, 'Accept: text/xml\r\n');
    const phase = /<uws:phase>(\w+)/.exec(text)?.[1] ?? '';
    if (['QUEUED', 'EXECUTING'].includes(phase)) continue;
    if (phase !== 'COMPLETED') throw new OtfError('OTF_SERVER_ANSWER', `a task of the benchmark ended ${phase}`);
    return {
      info: Object.fromEntries([...text.matchAll(/<otf:(\w+)>([^<]*)</g)].map(([, name, value]) => [name, value])),
    };
  }
}

async function loneTask(client: BenchClient, form: Upload) {
  const begun = performance.now();
  const id = await submit(client, form);
  await waitFor(client, id);
  await client.exchange(`GET /jobs/${id}/results/result`);
  const latencyMs = performance.now() - begun;
  const { text } = await client.exchange(`GET /jobs/${id}/results/json`);
  const { times } = JSON.parse(text) as { times: { infer: number } };
  return { latencyMs, inferenceMs: times.infer * 1000 };
}

function printReports(reports: ServerReport[]): void {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const rows = reports.map((report) => [
    report.network,
    `${report.tasks} x ${report.tilesPerTask}`,
    report.engineTilesPerSecond.toFixed(2),
    report.serverTilesPerSecond.toFixed(2),
    percent(report.share),
    percent(kWantedShare.get(report.network) ?? Number.NaN),
    String(report.batches),
    report.latencyMs.toFixed(1),
    report.inferenceMs.toFixed(1),
    report.overheadMs.toFixed(1),
    String(kWantedOverheadMs),
  ]);
  const titles = [
    'tasks x tiles',
    'engine tiles/s',
    'server tiles/s',
    'share',
    'wanted',
    'batches',
    'lone ms',
    'in network',
    'difference',
    'at most',
  ];
  print(textTable([{ title: 'network', align: 'left' }, ...titles.map((title) => ({ title }))], rows));
  print('');
  print(
    'Server: first submission to last COMPLETED. Lone: one task on a warm server, from its upload to its catalogue.',
  );
}
