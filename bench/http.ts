/** `bench http`: status requests beside a running batch, a large upload's memory, and a store of many jobs. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { print, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import type { Job } from '#otf/jobs/job.js';
import { JobStore } from '#otf/jobs/store.js';
import { conditions, printConditions } from './conditions.js';
import { median } from './engine.js';
import { type BenchServer, benchModels, startBenchServer } from './host.js';
import type { LoadReport, LoadRequest } from './http-load.js';

interface BenchHttpOptions {
  seconds: number;
  uploadMb: number;
  jobs: number;
  json?: boolean;
}

interface Figure {
  what: string;
  value: number;
  unit: string;
  /** The goal. */
  wanted: string;
}

const kConnections = 32;
const kWantedRequests = 15_000;
const kPipeline = 16;
/** Enough for every window of the measurement; each is about 300 tiles. */
const kLargeJobs = 200;
const kRounds = 3;
const kLoadStartS = 0.3;
/** USER_HZ, as proc(5) counts. */
const kTicksPerSecond = 100;
/** Code and buffers an upload needs at all are there before the large one is measured. */
const kWarmUpMb = 20;
const kListRepeats = 20;

export async function benchHttp(options: BenchHttpOptions): Promise<void> {
  const before = await conditions();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  let figures: Figure[];
  try {
    const models = await benchModels(folder);
    figures = [
      ...(await statusFigures(folder, models, options.seconds)),
      await uploadFigure(folder, models, options.uploadMb),
      ...(await storeFigures(folder, models, options.jobs)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (options.json) return print(JSON.stringify({ conditions: before, figures }, null, 2));
  printConditions(before);
  print('');
  const rows = figures.map(({ what, value, unit, wanted }) => [what, value.toFixed(value < 100 ? 1 : 0), unit, wanted]);
  const titles = [
    { title: 'what', align: 'left' as const },
    { title: 'measured' },
    { title: 'unit', align: 'left' as const },
  ];
  print(textTable([...titles, { title: 'wanted', align: 'left' }], rows));
}

/**
 * Requests per second for the phase of a job while a batch runs, and what a fixed rate of them costs the batch: once as
 * clients that wait for each answer, once pipelined, which leaves what the server itself takes for an answer.
 */
async function statusFigures(folder: string, models: string, seconds: number): Promise<Figure[]> {
  const addon = native();
  const image = join(folder, 'large.fits');
  await addon.simulate({ output: image, sizePx: 4096, density: 0.0005, noise: 4e-7, seed: 2 });
  const server = await startBenchServer(join(folder, 'status'), models, {
    CIANNA_OTF_SERVER_SHUTDOWN_S: '0',
    CIANNA_OTF_FETCH_FILE_ROOTS: folder,
    // One image after the other: many opened at once would be a burst in one window and missing in the next.
    CIANNA_OTF_POLICY_MAX_BATCH: '1',
    CIANNA_OTF_POLICY_MIN_JOBS: '1',
  });
  try {
    const ids: string[] = [];
    for (let i = 0; i < kLargeJobs; i++) {
      ids.push(await post(server, { MODEL: 'demo-continuum', IMAGE: pathToFileURL(image).href }));
    }
    const path = `/jobs/${ids.at(-1)}/phase`;
    while ((await tilesDone(server.url)) < 100) await pause(100);
    const free = await loadProcess(server, { path, seconds, pipeline: 1 });
    const figures: Figure[] = [
      {
        what: 'status requests while a batch runs',
        value: free.perSecond,
        unit: '1/s',
        wanted: `at least ${kWantedRequests}`,
      },
    ];
    for (const pipeline of [1, kPipeline]) {
      const { lost, serverCpu, load } = await price(server, path, seconds, pipeline);
      const how = pipeline === 1 ? 'one at a time' : `pipelined by ${pipeline}`;
      figures.push(
        { what: `batch throughput lost to ${kWantedRequests}/s, ${how}`, value: lost, unit: '%', wanted: 'below 10' },
        { what: `  CPU of the server for them, ${how}`, value: serverCpu * 100, unit: '% of one', wanted: '' },
        { what: `  CPU of the load generator, ${how}`, value: load.cpuSeconds * 100, unit: '% of one', wanted: '' },
      );
    }
    if (!/EXECUTING|QUEUED/.test(await (await fetch(server.url + path)).text())) {
      throw new OtfError('OTF_SERVER_ANSWER', 'the batch ended before the measurement: give --seconds less');
    }
    return figures;
  } finally {
    await server.stop();
  }
}

/** Rates of the batch with and without requests, in turn; medians of both. */
async function price(server: BenchServer, path: string, seconds: number, pipeline: number) {
  const quiet: number[] = [];
  const busy: number[] = [];
  const cpu: number[] = [];
  let load: LoadReport | undefined;
  for (let round = 0; round < kRounds; round++) {
    const alone = await rate(server, seconds);
    const request = { path, seconds: seconds + 2 * kLoadStartS, pipeline, perSecond: kWantedRequests };
    const loading = loadProcess(server, request);
    await pause(kLoadStartS * 1000);
    const beside = await rate(server, seconds);
    load = await loading;
    quiet.push(alone.tiles);
    busy.push(beside.tiles);
    // What the batch itself takes of the server is less, too, by as much as it is slower.
    cpu.push(beside.cpu - (alone.cpu * beside.tiles) / alone.tiles);
  }
  if (!load || load.perSecond < 0.95 * kWantedRequests) {
    throw new OtfError('OTF_SERVER_ANSWER', `only ${load?.perSecond.toFixed(0)} requests/s were answered`);
  }
  return { lost: 100 * (1 - median(busy) / median(quiet)), serverCpu: median(cpu), load };
}

/** Tiles per second, and seconds of CPU per second of the server's own process. */
async function rate(server: BenchServer, seconds: number): Promise<{ tiles: number; cpu: number }> {
  const [tiles, cpu, begun] = [await tilesDone(server.url), await cpuSeconds(server.pid), performance.now()];
  await pause(seconds * 1000);
  const passed = (performance.now() - begun) / 1000;
  return {
    tiles: ((await tilesDone(server.url)) - tiles) / passed,
    cpu: ((await cpuSeconds(server.pid)) - cpu) / passed,
  };
}

async function tilesDone(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^otf_tiles_total\{[^}]*\} (\d+)/gm)].reduce((sum, found) => sum + Number(found[1]), 0);
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / kTicksPerSecond;
}

async function loadProcess(
  { url }: BenchServer,
  order: Omit<LoadRequest, 'host' | 'port' | 'connections'>,
): Promise<LoadReport> {
  const { hostname: host, port } = new URL(url);
  const whole: LoadRequest = { host, port: Number(port), connections: kConnections, ...order };
  const program = fileURLToPath(new URL('./http-load.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(whole)]);
  return JSON.parse(stdout) as LoadReport;
}

/** Largest growth of the server's resident memory during one upload. */
async function uploadFigure(folder: string, models: string, megabytes: number): Promise<Figure> {
  const server = await startBenchServer(join(folder, 'upload'), models, {
    CIANNA_OTF_SERVER_MAX_UPLOAD_MB: String(megabytes + 1),
  });
  try {
    await streamUpload(server.url, kWarmUpMb);
    const before = await residentMb(server.pid);
    let most = 0;
    const look = async () => {
      most = Math.max(most, (await residentMb(server.pid)) - before);
    };
    const watch = setInterval(() => look().catch(() => undefined), 20);
    await streamUpload(server.url, megabytes).finally(() => clearInterval(watch));
    const what = `server memory during an upload of ${megabytes} MB`;
    return { what, value: most, unit: 'MB', wanted: 'below 50' };
  } finally {
    await server.stop();
  }
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return (Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
}

function streamUpload(url: string, megabytes: number): Promise<void> {
  const head = '--XX\r\nContent-Disposition: form-data; name="IMAGE"; filename="a.fits"\r\n\r\n';
  const tail = '\r\n--XX--\r\n';
  const chunk = Buffer.alloc(1_000_000, 1);
  const headers = {
    'content-type': 'multipart/form-data; boundary=XX',
    'content-length': head.length + megabytes * chunk.length + tail.length,
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/jobs`, { method: 'POST', headers }, (response) => {
      response.resume();
      if (response.statusCode === 303) response.once('end', resolve);
      else reject(new OtfError('OTF_SERVER_ANSWER', `the upload was answered ${response.statusCode}`));
    });
    sent.on('error', reject);
    sent.write(head);
    let left = megabytes;
    const more = () => {
      while (left > 0) {
        left--;
        if (!sent.write(chunk)) return sent.once('drain', more);
      }
      return sent.end(tail);
    };
    more();
  });
}

async function storeFigures(folder: string, models: string, count: number): Promise<Figure[]> {
  const dataDir = join(folder, 'store');
  const store = new JobStore(dataDir);
  store.load(Array.from({ length: count }, (_, index) => finishedJob(index)));
  store.close();
  const begun = performance.now();
  const server = await startBenchServer(dataDir, models, {});
  const startMs = performance.now() - begun;
  try {
    const times: number[] = [];
    for (let i = 0; i < kListRepeats; i++) {
      const from = performance.now();
      const after = new Date(kEpochMs + count * 500).toISOString();
      await (await fetch(`${server.url}/jobs?PHASE=COMPLETED&AFTER=${after}&LAST=100`)).text();
      times.push(performance.now() - from);
    }
    return [
      { what: `job list with filters among ${count} jobs`, value: median(times), unit: 'ms', wanted: 'below 20' },
      { what: `start with ${count} jobs, process and all`, value: startMs, unit: 'ms', wanted: 'below 1000' },
    ];
  } finally {
    await server.stop();
  }
}

const kEpochMs = Date.UTC(2026, 0, 1);

function finishedJob(index: number): Job {
  const createdMs = kEpochMs + index * 1000;
  const [queuedMs, startedMs, endedMs] = [createdMs, createdMs + 1, createdMs + 100];
  return {
    id: `j${String(index).padStart(32, '0')}`,
    style: 'standard',
    phase: index % 10 === 0 ? 'ERROR' : 'COMPLETED',
    owner: null,
    remote: '127.0.0.1',
    runId: `run ${index}`,
    createdMs,
    queuedMs,
    startedMs,
    endedMs,
    executionDurationS: 3600,
    destructionMs: null,
    kind: 'detector',
    modelId: 'demo-continuum',
    quantization: 'FP32C_FP32A',
    priority: 5,
    parameters: { model: 'demo-continuum', inputs: {}, asked: {} },
    results: [],
    failure: index % 10 === 0 ? { type: 'fatal', message: 'made for a benchmark' } : null,
    info: { engine: 'onednn', progress: { done: 9, total: 9, unit: 'tiles' } },
  };
}

async function post(server: BenchServer, fields: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({ ...fields, PHASE: 'RUN' });
  const answer = await fetch(`${server.url}/jobs`, { method: 'POST', body, redirect: 'manual' });
  if (answer.status !== 303) throw new OtfError('OTF_SERVER_ANSWER', `the server answered ${answer.status}`);
  return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
