/**
 * More than the server can do: uploads at `factor` times the rate at which it finishes jobs, after that rate was measured.
 * What it accepts it must finish, at nearly the same rate; what it refuses it must refuse at once; and whoever asks how a
 * job stands must hear it as quickly as ever.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { field, pause, startTestServer, type TestServer, tempDir } from '../support/server.js';

export interface OverloadOptions {
  seconds: number;
  factor: number;
  say: (line: string) => void;
}

const kEnv = { CIANNA_OTF_POLICY_MAX_QUEUED: '32', CIANNA_OTF_POLICY_OWNER_SHARE: '1' };
const kImagePx = 512;
const kOutstanding = 16;
const kStatusMs = 20;

interface Tally {
  accepted: string[];
  refused: number;
  refusalsMs: number[];
  statusMs: number[];
  faults: string[];
}

export async function overload(t: TestContext, { seconds, factor, say }: OverloadOptions): Promise<string[]> {
  const dir = await tempDir(t);
  const image = await field(dir, kImagePx, 1);
  const server = await startTestServer(t, { dataDir: join(dir, 'data'), env: kEnv });
  await server.until(await server.submit({}, image), 'COMPLETED');
  const alone = await capacity(server, image, Math.max(5, seconds / 4));
  say(`without overload: ${alone.toFixed(2)} jobs/s`);
  const tally: Tally = { accepted: [], refused: 0, refusalsMs: [], statusMs: [], faults: [] };
  const before = await completed(server);
  const started = performance.now();
  const until = Date.now() + seconds * 1000;
  const asking = askStatus(server, until, tally);
  await uploadAt(server, image, alone * factor, until, tally);
  const rate = ((await completed(server)) - before) / ((performance.now() - started) / 1000);
  await asking;
  for (const id of tally.accepted) {
    const { phase } = await server.until(id, 'COMPLETED', 'ERROR');
    if (phase !== 'COMPLETED') tally.faults.push(`${id} was accepted and is ${phase}`);
  }
  say(
    `at ${factor} times that: ${tally.accepted.length} accepted, ${tally.refused} refused, ${rate.toFixed(2)} jobs/s done`,
  );
  say(
    `status: p50 ${share(tally.statusMs, 0.5)} ms, p99 ${share(tally.statusMs, 0.99)} ms of ${tally.statusMs.length}`,
  );
  say(`refusals: p50 ${share(tally.refusalsMs, 0.5)} ms, p99 ${share(tally.refusalsMs, 0.99)} ms`);
  say(`throughput ${((100 * rate) / alone).toFixed(0)} % of what it is without`);
  await server.stop();
  return tally.faults;
}

/** Jobs per second with the queue never empty and never full. */
async function capacity(server: TestServer, image: Buffer, seconds: number): Promise<number> {
  const until = Date.now() + seconds * 1000;
  const before = await completed(server);
  const started = performance.now();
  const one = async () => {
    while (Date.now() < until) await server.until(await server.submit({}, image), 'COMPLETED');
  };
  await Promise.all(Array.from({ length: kOutstanding }, one));
  return ((await completed(server)) - before) / ((performance.now() - started) / 1000);
}

async function uploadAt(server: TestServer, image: Buffer, rate: number, until: number, tally: Tally): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const one = async () => {
    const before = performance.now();
    const answer = await server.post({}, image);
    if (answer.status === 303) tally.accepted.push((answer.headers.get('location') ?? '').split('/').pop() ?? '');
    else if (answer.status === 503) {
      tally.refused++;
      tally.refusalsMs.push(performance.now() - before);
    } else tally.faults.push(`upload: ${answer.status}`);
    await answer.arrayBuffer();
  };
  const begun = performance.now();
  for (let sent = 0; Date.now() < until; ) {
    while (sent < ((performance.now() - begun) / 1000) * rate) {
      sent++;
      const upload: Promise<void> = one()
        .catch((thrown) => {
          tally.faults.push(`upload: ${String((thrown as Error).cause ?? thrown)}`);
        })
        .finally(() => underWay.delete(upload));
      underWay.add(upload);
    }
    await pause(5);
  }
  await Promise.all(underWay);
}

/** Times in milliseconds of answers to whoever asks for the newest job until then. */
async function askStatus(server: TestServer, until: number, tally: Tally): Promise<void> {
  const asker = new Worker(new URL('./asker.js', import.meta.url), {
    workerData: { url: server.url, everyMs: kStatusMs },
  });
  const answered = once(asker, 'message') as Promise<[number[]]>;
  const told = async (): Promise<void> => {
    while (Date.now() < until) {
      const id = tally.accepted.at(-1);
      if (id !== undefined) asker.postMessage(id);
      await pause(kStatusMs);
    }
    asker.postMessage(null);
  };
  const [[times]] = await Promise.all([answered, told()]);
  tally.statusMs.push(...times);
}

async function completed(server: TestServer): Promise<number> {
  return Number(/^otf_jobs\{phase="COMPLETED"\} (\d+)$/m.exec(await server.text('/metrics'))?.[1] ?? 0);
}

function share(times: number[], part: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  return (sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
}
