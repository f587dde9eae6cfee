/** `bench chains`: what a step of a chain costs beside its job: from the end of one to the next in the queue, and to its begin. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { kShippedModelsDir } from '#otf/models/registry.js';
import { conditions, printConditions } from './conditions.js';
import { type BenchServer, madeJob, startBenchServer, uploadedImage } from './host.js';

interface BenchChainsOptions {
  steps: number;
  json?: boolean;
}

interface Figure {
  what: string;
  /** Milliseconds. */
  p50: number;
  p95: number;
}

interface PhaseEvent {
  jobId: string;
  phase: string;
  timeMs: number;
}

const kSizePx = 256;
const kSeed = 12;

export async function benchChains({ steps, json }: BenchChainsOptions): Promise<void> {
  const before = await conditions();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  let figures: Figure[];
  try {
    const image = join(folder, 'field.fits');
    await native().simulate({ output: image, sizePx: kSizePx, density: 0.001, noise: 4e-7, seed: kSeed });
    const server = await startBenchServer(join(folder, 'data'), kShippedModelsDir, {});
    try {
      figures = await figuresOf(server, await readFile(image), steps);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (json) return print(JSON.stringify({ conditions: before, figures }, null, 2));
  printConditions(before);
  const rows = figures.map(({ what, p50, p95 }) => [what, p50.toFixed(2), p95.toFixed(2)]);
  print(textTable([{ title: 'what', align: 'left' }, { title: 'p50 ms' }, { title: 'p95 ms' }], rows));
}

async function figuresOf(server: BenchServer, image: Buffer, count: number): Promise<Figure[]> {
  const upload = await uploadedImage(server, image);
  const steps = Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    after: index === 0 ? [] : [`s${index - 1}`],
    fields: { IMAGE: `job:${upload}/IMAGE` },
  }));
  const listening = new AbortController();
  const events = await fetch(`${server.url}/events`, { signal: listening.signal });
  const times = new Map<string, number>();
  const heard = listen(events, (event) => times.set(`${event.jobId} ${event.phase}`, event.timeMs), count);
  const began = performance.now();
  const answer = await fetch(`${server.url}/chains`, {
    method: 'POST',
    body: JSON.stringify({ steps }),
    redirect: 'manual',
  });
  const chain = await madeJob(answer);
  const perJob = (performance.now() - began) / count;
  await heard;
  listening.abort();
  const state = (await (await fetch(`${server.url}/chains/${chain}`)).json()) as {
    steps: { jobs: { id: string }[] }[];
  };
  const ids = state.steps.flatMap(({ jobs }) => jobs.map(({ id }) => id));
  const between = (from: string, to: string) =>
    ids
      .slice(1)
      .map((id, index) => (times.get(`${id} ${to}`) ?? Number.NaN) - (times.get(`${ids[index]} ${from}`) ?? 0));
  return [
    figure('end of a step to the next in the queue', between('COMPLETED', 'QUEUED')),
    figure('end of a step to the begin of the next', between('COMPLETED', 'EXECUTING')),
    { what: 'making a chain, per job', p50: perJob, p95: perJob },
  ];
}

/** Until so many jobs have ended. Throws when one does not end well. */
async function listen({ body }: Response, tell: (event: PhaseEvent) => void, count: number): Promise<void> {
  let rest = '';
  let ended = 0;
  const decoder = new TextDecoder();
  for await (const piece of body ?? []) {
    const lines = (rest + decoder.decode(piece as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: {"type":"phase"')) continue;
      const event = JSON.parse(line.slice('data: '.length)) as PhaseEvent;
      tell(event);
      if (event.phase === 'ERROR' || event.phase === 'ABORTED') {
        throw new OtfError('OTF_ENGINE_FAILED', `job ${event.jobId} ended as ${event.phase}`);
      }
      if (event.phase === 'COMPLETED' && ++ended === count) return;
    }
  }
  throw new OtfError('OTF_SERVER_ANSWER', 'the server tells no more events');
}

function figure(what: string, values: number[]): Figure {
  const sorted = values.sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
  return { what, p50: at(0.5), p95: at(0.95) };
}
