/**
 * More than the server can do: uploads at `factor` times the rate at which it finishes jobs, after that rate was measured.
 * What it accepts it must finish, at nearly the same rate; what it refuses it must refuse at once; and whoever asks how a
 * job stands must hear it as quickly as ever.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
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

export interface Overloaded {
  faults: string[];
  figures: Record<string, number>;
}

export async function overload(t: TestContext, { seconds, factor, say }: OverloadOptions): Promise<Overloaded> {
  const dir = await tempDir(t);
  const server = await startTestServer(t, { dataDir: join(dir, 'data'), env: kEnv });
  const uploads = await uploader(server.url, await field(dir, kImagePx, 1));
  const { id } = await uploads.send();
  await server.until(id ?? assert.fail('the first upload was not accepted'), 'COMPLETED');
  const alone = await capacity(server, uploads, Math.max(5, seconds / 4));
  say(`without overload: ${alone.toFixed(2)} jobs/s`);
  const tally: Tally = { accepted: [], refused: 0, refusalsMs: [], statusMs: [], faults: [] };
  const before = await completed(server);
  const started = performance.now();
  const until = Date.now() + seconds * 1000;
  const asking = askStatus(server, until, tally);
  await uploadAt(uploads, alone * factor, until, tally);
  const rate = ((await completed(server)) - before) / ((performance.now() - started) / 1000);
  await asking;
  for (const id of tally.accepted) {
    const { phase } = await server.until(id, 'COMPLETED', 'ERROR');
    if (phase !== 'COMPLETED') tally.faults.push(`${id} was accepted and is ${phase}`);
  }
  const of = (times: number[], part: number) => Number(share(times, part));
  const figures = {
    'jobs/s without': Number(alone.toFixed(2)),
    'jobs/s done': Number(rate.toFixed(2)),
    accepted: tally.accepted.length,
    refused: tally.refused,
    'status p50 ms': of(tally.statusMs, 0.5),
    'status p99 ms': of(tally.statusMs, 0.99),
    'refusal p99 ms': of(tally.refusalsMs, 0.99),
  };
  say(
    `at ${factor} times that: ${figures.accepted} accepted, ${figures.refused} refused, ${rate.toFixed(2)} jobs/s done`,
  );
  say(`status: p50 ${figures['status p50 ms']} ms, p99 ${figures['status p99 ms']} ms of ${tally.statusMs.length}`);
  say(`refusals: p50 ${of(tally.refusalsMs, 0.5)} ms, p99 ${figures['refusal p99 ms']} ms`);
  say(`throughput ${((100 * rate) / alone).toFixed(0)} % of what it is without`);
  uploads.close();
  await server.stop();
  return { faults: tally.faults, figures };
}

interface Uploads {
  /** `id` of the job, when it was accepted. */
  send: () => Promise<{ status: number; id?: string; retryAfter?: string | undefined }>;
  close: () => void;
}

/** One form, made once and sent again and again: what a load generator takes is taken from the server beside it. */
async function uploader(url: string, image: Buffer): Promise<Uploads> {
  const form = new FormData();
  form.append('PHASE', 'RUN');
  form.append('IMAGE', new Blob([new Uint8Array(image)]), 'field.fits');
  const made = new Response(form);
  const body = Buffer.from(await made.arrayBuffer());
  const headers = { 'content-type': made.headers.get('content-type') ?? '', 'content-length': body.length };
  const agent = new Agent({ keepAlive: true });
  const send = async () => {
    const asked = request(new URL('/jobs', url), { method: 'POST', agent, headers });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    const id = answer.statusCode === 303 ? (answer.headers.location ?? '').split('/').pop() : undefined;
    const retryAfter = answer.headers['retry-after'];
    return { status: answer.statusCode ?? 0, retryAfter, ...(id === undefined ? {} : { id }) };
  };
  return { send, close: () => agent.destroy() };
}

/** Jobs per second with the queue never empty and never full. */
async function capacity(server: TestServer, uploads: Uploads, seconds: number): Promise<number> {
  const until = Date.now() + seconds * 1000;
  const before = await completed(server);
  const started = performance.now();
  const one = async () => {
    while (Date.now() < until) {
      const { id, status } = await uploads.send();
      await server.until(id ?? assert.fail(`an upload was answered with ${status}`), 'COMPLETED');
    }
  };
  await Promise.all(Array.from({ length: kOutstanding }, one));
  return ((await completed(server)) - before) / ((performance.now() - started) / 1000);
}

async function uploadAt(uploads: Uploads, rate: number, until: number, tally: Tally): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const one = async () => {
    const before = performance.now();
    const { id, status, retryAfter } = await uploads.send();
    if (id !== undefined) tally.accepted.push(id);
    else if (status === 503 && retryAfter !== undefined) {
      tally.refused++;
      tally.refusalsMs.push(performance.now() - before);
    } else tally.faults.push(`upload: ${status}`);
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
