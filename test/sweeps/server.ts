/**
 * A server with one small job, again and again, and each time another write or sync of it fails, once or from then on: the job
 * ends in one phase with the right catalogue or a reason, and a server that begins afterwards has all that was acknowledged.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { kFixtures } from '../support/cli.js';
import { endAll, standInContext } from '../support/endings.js';
import { startTestServer, type TestServer } from '../support/server.js';
import { spread } from '../support/spread.js';
import { type Fault, type FaultKind, FaultState, inTurns } from './faults.js';
import { kPatienceMs, phaseOf } from './jobs.js';

const kImage = readFileSync(join(kFixtures, 'detection/field-230x180/field.fits'));
/** While everything fails that is written a job may come to no end: what matters is what the next start makes of it. */
const kWhileItLastsMs = 3000;

interface Acknowledged {
  id?: string;
  /** Why not. */
  refused?: string;
}

/** One request for a job, which a server may refuse or end in. */
async function ask(server: TestServer): Promise<Acknowledged> {
  try {
    const answer = await server.post({ MODEL: 'demo-continuum' }, kImage);
    const text = await answer.text();
    if (answer.status === 303) return { id: (answer.headers.get('location') ?? '').split('/').pop() ?? '' };
    return { refused: `${answer.status} ${text}` };
  } catch (thrown) {
    return { refused: `no answer: ${(thrown as Error).message}` };
  }
}

/** What does not hold of a job that is to be there. */
async function wrongWithJob(server: TestServer, id: string, rows: string): Promise<string | undefined> {
  const job = await phaseOf(server, id);
  if (job === undefined) return `the job that was acknowledged comes to no end: ${server.log.slice(-3).join(' ')}`;
  if (job.phase === 'COMPLETED')
    return (await server.text(`/jobs/${id}/results/csv`)) === rows
      ? undefined
      : 'the job is COMPLETED with another catalogue';
  if (job.phase === 'ERROR' && job.error !== '' && !/internal/i.test(job.error)) return undefined;
  return `the job ended ${job.phase}: ${job.error || 'without a reason'}`;
}

async function begin(t: TestContext, dataDir: string, env: Record<string, string>): Promise<TestServer | string> {
  try {
    return await startTestServer(t, { dataDir, env });
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

/** As it ends by itself; one that does not is killed, which is seen in the answer. */
async function stopped(server: TestServer): Promise<number | string | null> {
  const timer = setTimeout(() => server.child.kill('SIGKILL'), kPatienceMs);
  const code = await server.stop();
  clearTimeout(timer);
  return code;
}

/** What did not hold with this fault. */
async function underFault(scratch: string, fault: Fault, rows: string): Promise<string | undefined> {
  const [state, context] = [new FaultState(scratch, fault), standInContext()];
  const dataDir = join(state.folder, 'data');
  const wrong = async () => {
    const server = await begin(context, dataDir, state.env);
    let asked: Acknowledged = {};
    if (typeof server === 'string') {
      // It may refuse to start, in words.
      if (!/ended with 1: .*cianna-otf: [^\n]+/s.test(server) || /internal error|\n\s+at /.test(server)) return server;
    } else {
      asked = await ask(server);
      if (asked.refused !== undefined && !/^(50[037]) |^no answer/.test(asked.refused)) return asked.refused;
      const patienceMs = fault.lasting ? kWhileItLastsMs : kPatienceMs;
      const seen = asked.id === undefined ? undefined : await phaseOf(server, asked.id, patienceMs);
      const code = await stopped(server);
      // What the disk has refused is told with its cause: that is no fault of the program.
      const said = server.log.filter((line) => !/EIO: i\/o error|ENOSPC: no space/.test(line)).join('\n');
      if (code !== 0 && code !== 1) return `it ended with ${code}: ${said.slice(-600)}`;
      if (/internal error|Error: .*\n\s+at |unhandled/i.test(said)) return `it said: ${said.slice(-600)}`;
      if (seen?.phase === 'ABORTED') return 'the job was aborted by nobody';
    }
    const again = await begin(context, dataDir, {});
    if (typeof again === 'string') return `it does not start any more: ${again}`;
    if (asked.id !== undefined) {
      const fault = await wrongWithJob(again, asked.id, rows);
      if (fault !== undefined) return fault;
    }
    const fresh = await ask(again);
    if (fresh.id === undefined) return `it takes no job any more: ${fresh.refused}`;
    const ended = await phaseOf(again, fresh.id);
    if (ended?.phase !== 'COMPLETED') return `a job afterwards: ${ended?.phase} ${ended?.error}`;
    const rest = await leftovers(again, dataDir);
    await again.stop();
    return rest;
  };
  try {
    const found = await wrong();
    const { kind, at, lasting } = fault;
    return found && `server, ${kind} ${at}${lasting ? ' and later' : ''} (${state.where}): ${found}`;
  } finally {
    await endAll(context);
    state.remove();
  }
}

/** Folders without a job, and jobs without a folder. */
async function leftovers(server: TestServer, dataDir: string): Promise<string | undefined> {
  const list = await (await server.send('/jobs', { headers: { accept: 'application/xml' } })).text();
  const listed = [...list.matchAll(/<uws:jobref id="([^"]+)"/g)].map(([, id]) => id ?? '').sort();
  const folders = readdirSync(join(dataDir, 'jobs')).sort();
  return listed.join() === folders.join() ? undefined : `jobs ${listed.join()}, folders ${folders.join()}`;
}

/** As sweepDetect. */
export async function sweepServer(
  scratch: string,
  kind: Extract<FaultKind, 'write' | 'sync'>,
  most: number,
  atOnce: number,
  say: (line: string) => void,
): Promise<string[]> {
  const [counting, context] = [new FaultState(scratch, { kind, at: 0 }), standInContext()];
  let rows = '';
  try {
    const server = await startTestServer(context, { dataDir: join(counting.folder, 'data'), env: counting.env });
    const { id } = await ask(server);
    if (id === undefined || (await phaseOf(server, id))?.phase !== 'COMPLETED') return ['the job without a fault'];
    rows = await server.text(`/jobs/${id}/results/csv`);
    await server.stop();
  } finally {
    await endAll(context);
  }
  const { seen } = counting.counts;
  if (seen === 0) return [`server: no ${kind} was seen: is ${counting.env.LD_PRELOAD} there?`];
  const points = spread(seen, most).flatMap((at): Fault[] => [
    { kind, at },
    { kind, at, lasting: true },
  ]);
  say(`server: ${points.length / 2} of ${seen} points of kind ${kind}, once and from then on`);
  return inTurns(points, atOnce, (fault) => underFault(scratch, fault, rows));
}
