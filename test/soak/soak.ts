/**
 * Everything at once, for a while: uploads, reads of every kind, aborts, deletions and retention, beside kills of the
 * server and of the processes it has started. What was acknowledged is kept track of; what must hold at the end is in
 * verdict.ts. The order of events is the machine's, the choices are those of the seed.
 */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { field, pause, startTestServer, type TestServer, tempDir } from '../support/server.js';
import { Ledger } from './ledger.js';
import { random } from './random.js';
import { judge, type Verdict } from './verdict.js';

export interface SoakOptions {
  seconds: number;
  seed: number;
  /** Told of what happens. */
  say: (line: string) => void;
}

const kEnv = {
  CIANNA_OTF_POLICY_MAX_QUEUED: '25',
  CIANNA_OTF_POLICY_MAX_PENDING: '60',
  CIANNA_OTF_POLICY_OWNER_SHARE: '1',
  CIANNA_OTF_SERVER_SHUTDOWN_S: '5',
};
/** With kills of the server; the rest of the time one server lives on, to see whether it grows. */
const kKilledShare = 0.6;
const kSampleMs = 500;
const kLeastSamples = 8;

/** The server there is now; undefined between two. */
export interface Stage {
  server: TestServer | undefined;
  /** It has been told to end: it may be gone at any time. */
  ending: boolean;
  over: boolean;
}

export async function soak(t: TestContext, { seconds, seed, say }: SoakOptions): Promise<Verdict> {
  const next = random(seed);
  const dataDir = await tempDir(t);
  const images = [await field(dataDir, 300, 1), await field(dataDir, 600, 2), Buffer.from('no FITS at all')];
  const ledger = new Ledger();
  const stage: Stage = { server: undefined, ending: false, over: false };
  const start = () => startTestServer(t, { dataDir: join(dataDir, 'data'), env: kEnv });
  const until = Date.now() + seconds * 1000;
  const crowd = [0, 1, 2].map(() => submitter(stage, ledger, images, next));
  crowd.push(...[0, 1, 2].map(() => reader(stage, ledger, next)), aborter(stage, ledger, next));
  crowd.push(...[0, 1].map(() => deleter(stage, ledger, next)), killer(stage, ledger, next));
  while (Date.now() < until - seconds * 1000 * (1 - kKilledShare)) {
    stage.server = await start();
    await pause(1500 + next() * Math.min(6000, seconds * 150));
    const ending = stage.server;
    const gently = next() < 0.2;
    ledger.count(gently ? 'server ended' : 'server killed');
    stage.ending = true;
    if (!gently) stage.server = undefined;
    const how = await ending.stop(gently ? 'SIGTERM' : 'SIGKILL');
    if (gently && how !== 0) ledger.fault(`SIGTERM ended the server with ${how}`);
    stage.server = undefined;
    stage.ending = false;
    say(ledger.line());
  }
  stage.server = await start();
  const samples = await watch(stage.server, () => Date.now() >= until);
  stage.over = true;
  await Promise.all(crowd);
  say(ledger.line());
  return judge(stage.server, ledger, samples);
}

export interface Sample {
  rssMb: number;
  descriptors: number;
}

/** Until `over`. */
export async function watch(server: TestServer, over: () => boolean): Promise<Sample[]> {
  const samples: Sample[] = [];
  // Where the kills before have taken most of the time, it goes on until there is something to compare.
  while (!over() || samples.length < kLeastSamples) {
    samples.push(await server.resources());
    await pause(kSampleMs);
  }
  return samples;
}

/** Calls `once` as long as the play goes on and there is a server; a request that a kill cut off is nobody's fault. */
export async function act(stage: Stage, ledger: Ledger, ms: () => number, once: (server: TestServer) => Promise<void>) {
  while (!stage.over) {
    const { server } = stage;
    if (!server) {
      await pause(20);
      continue;
    }
    try {
      await once(server);
    } catch (thrown) {
      const alive = () =>
        stage.server === server && !stage.ending && server.child.exitCode === null && server.child.signalCode === null;
      if (alive()) {
        // The client library may meet the end of a server before we hear of it.
        await pause(200);
        if (alive()) ledger.fault(`a request failed: ${String((thrown as Error).cause ?? thrown)}`);
      }
    }
    await pause(ms());
  }
}

function submitter(stage: Stage, ledger: Ledger, images: Buffer[], next: () => number): Promise<void> {
  return act(
    stage,
    ledger,
    () => 20 + next() * 120,
    async (server) => {
      const image = images[Math.floor(next() ** 2 * images.length)];
      const fields: Record<string, string> = { RUNID: `run ${Math.floor(next() * 1e9)}` };
      const mortal = next() < 0.1;
      if (mortal) fields.DESTRUCTION = new Date(Date.now() + next() * 4000).toISOString();
      if (next() < 0.05) fields.PHASE = '';
      const answer = await server.post(fields, image);
      ledger.answered('POST /jobs', answer.status, await answer.text());
      if (answer.status !== 303) return;
      const id = (answer.headers.get('location') ?? '').split('/').pop() ?? '';
      ledger.acknowledged(id, mortal, fields.PHASE === '');
    },
  );
}

function reader(stage: Stage, ledger: Ledger, next: () => number): Promise<void> {
  const kinds = ['', '', '', '/results/result', '/results/log', '/results/csv', '/results/fits', '/parameters/IMAGE'];
  const others = ['/jobs?LAST=100', '/jobs', '/metrics', '/healthz/ready', '/links?ID=x'];
  return act(
    stage,
    ledger,
    () => 5 + next() * 60,
    async (server) => {
      const id = ledger.any(next());
      if (id === undefined || next() < 0.1) {
        const path = others[Math.floor(next() * others.length)] ?? '/';
        const answer = await server.send(path);
        return ledger.answered(`GET ${path}`, answer.status, await answer.text());
      }
      const kind = kinds[Math.floor(next() * kinds.length)] ?? '';
      const answer = await server.send(`/jobs/${id}${kind}`, { headers: { accept: 'application/xml' } });
      const text = await answer.text();
      ledger.answered(`GET /jobs/ID${kind}`, answer.status, text);
      if (kind === '' && answer.status === 200) ledger.seen(id, text);
    },
  );
}

function aborter(stage: Stage, ledger: Ledger, next: () => number): Promise<void> {
  return act(
    stage,
    ledger,
    () => 300 + next() * 600,
    async (server) => {
      const id = ledger.recent(next());
      if (id === undefined) return;
      ledger.maybeAborted(id);
      const answer = await server.send(`/jobs/${id}/phase?PHASE=ABORT`, { method: 'POST' });
      ledger.answered('ABORT', answer.status, await answer.text());
    },
  );
}

function deleter(stage: Stage, ledger: Ledger, next: () => number): Promise<void> {
  return act(
    stage,
    ledger,
    () => 100 + next() * 300,
    async (server) => {
      const id = next() < 0.5 ? ledger.recent(next()) : ledger.any(next());
      if (id === undefined) return;
      // From now on it may be gone, whatever we hear.
      ledger.maybeDeleted(id);
      const beside = next() < 0.5 ? [server.send(`/jobs/${id}/results/json`)] : [];
      const [answer, read] = await Promise.all([server.send(`/jobs/${id}`, { method: 'DELETE' }), ...beside]);
      ledger.answered('DELETE', answer.status, await answer.text());
      if (answer.status === 303) ledger.deleted(id);
      if (read) ledger.answered('GET beside DELETE', read.status, await read.text());
    },
  );
}

/** Engines and readers: whatever the server has started. */
function killer(stage: Stage, ledger: Ledger, next: () => number): Promise<void> {
  return act(
    stage,
    ledger,
    () => 700 + next() * 2500,
    async (server) => {
      const children = await server.engines();
      const pid = children[Math.floor(next() * children.length)];
      if (pid === undefined || !(await server.engines()).includes(pid)) return;
      process.kill(pid, 'SIGKILL');
      ledger.count('child killed');
    },
  );
}
