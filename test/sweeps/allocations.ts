/**
 * A server that goes on: each of its jobs meets another allocation of native code that fails, in the server's threads or in an
 * engine that is loaded for that job. The job ends in one phase, with the right catalogue or a reason; the next one completes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { kFixtures } from '../support/cli.js';
import { endAll, standInContext } from '../support/endings.js';
import { startTestServer, type TestServer } from '../support/server.js';
import { spread } from '../support/spread.js';
import { until } from '../support/until.js';
import { FaultState } from './faults.js';
import { phaseOf } from './jobs.js';

/** Whether a server ends is seen at its end: so many points are named when it does not. */
const kPointsOfServer = 20;
/** Longer than a server waits for what it has begun. */
const kEndMs = 60_000;
const kImage = readFileSync(join(kFixtures, 'detection/field-230x180/field.fits'));

interface Seen {
  /** A line when it did not hold. */
  wrong?: string;
  rows: string;
  /** Allocations of it. */
  allocations: number;
}

class Rig {
  readonly #state: FaultState;
  readonly #context = standInContext();
  #server!: TestServer;

  constructor(scratch: string) {
    this.#state = new FaultState(scratch, { kind: 'allocation', at: 0 });
  }

  async begin(): Promise<void> {
    const dataDir = join(this.#state.folder, 'data');
    this.#server = await startTestServer(this.#context, { dataDir, env: this.#state.env });
  }

  /** What is wrong with its end; undefined: nothing. */
  async end(): Promise<string | undefined> {
    this.#state.arm(0);
    const late = new AbortController();
    const patience = pause(kEndMs, 'late' as const, { signal: late.signal }).catch(() => 'late' as const);
    const code = await Promise.race([this.#server.stop(), patience]);
    late.abort();
    await endAll(this.#context);
    this.#state.remove();
    if (code === 0) return undefined;
    return code === 'late' ? `it does not end: ${this.#lastWords}` : `it ended with ${code}`;
  }

  /** A job with an engine of its own, whose n-th allocation fails; 0: none does. */
  async job(at: number): Promise<Seen> {
    await this.#withoutEngines();
    this.#state.arm(at);
    const seen = await this.#run();
    const { seen: allocations } = this.#state.counts;
    const { where } = this.#state;
    this.#state.arm(0);
    if (seen.wrong !== undefined) return { ...seen, allocations, wrong: `allocation ${at} (${where}): ${seen.wrong}` };
    return { ...seen, allocations };
  }

  async #run(): Promise<Pick<Seen, 'wrong' | 'rows'>> {
    const server = this.#server;
    const rows = '';
    const answer = await server.post({ MODEL: 'demo-continuum' }, kImage).catch((thrown: Error) => thrown.message);
    if (typeof answer === 'string') return { rows, wrong: `no answer: ${answer} ${this.#lastWords}` };
    const text = await answer.text();
    // It has too little memory at the moment: nothing is acknowledged.
    if (answer.status === 503 && answer.headers.has('retry-after')) return { rows };
    if (answer.status !== 303) return { rows, wrong: `POST: ${answer.status} ${text}` };
    const id = (answer.headers.get('location') ?? '').split('/').pop() ?? '';
    const job = await phaseOf(server, id);
    if (job === undefined) return { rows, wrong: `the job comes to no end: ${this.#lastWords}` };
    if (job.phase === 'COMPLETED') return this.#rowsOf(id);
    const told = job.phase === 'ERROR' && job.error !== '' && !/internal/i.test(job.error);
    return told ? { rows } : { rows, wrong: `the job ended ${job.phase}: ${job.error || 'without a reason'}` };
  }

  /** In a format that is made when it is asked for: that may be what fails. */
  async #rowsOf(id: string): Promise<Pick<Seen, 'wrong' | 'rows'>> {
    const answer = await this.#server.send(`/jobs/${id}/results/csv`);
    const text = await answer.text();
    if (answer.status === 200) return { rows: text };
    const told = answer.status >= 500 && text !== '' && !/internal/i.test(text);
    return told ? { rows: '' } : { rows: '', wrong: `its results as CSV: ${answer.status} ${text}` };
  }

  get #lastWords(): string {
    return this.#server.log.slice(-3).join(' ');
  }

  /** The next job loads its network anew. */
  async #withoutEngines(): Promise<void> {
    for (const pid of await this.#server.engines()) process.kill(pid, 'SIGKILL');
    await until(async () => (await this.#server.engines()).length === 0, 'an engine that was killed lives');
  }
}

/** What does not hold at a point, or of the job after it. */
async function faultAt(rig: Rig, at: number, rows: string): Promise<string | undefined> {
  const { wrong, rows: found } = await rig.job(at);
  if (wrong !== undefined) return wrong;
  if (found !== '' && found !== rows) return `allocation ${at}: COMPLETED with another catalogue`;
  const after = await rig.job(0);
  if (after.wrong === undefined && after.rows === rows) return undefined;
  return `the job after allocation ${at}: ${after.wrong ?? `another catalogue '${after.rows.slice(0, 80)}'`}`;
}

/** Points in turn: what did not hold. A server has some of them, or those up to one that did not hold, and then ends. */
async function sweepShare(scratch: string, points: readonly number[], rows: string): Promise<string[]> {
  const faults: string[] = [];
  for (let first = 0; first < points.length; ) {
    const rig = new Rig(scratch);
    await rig.begin();
    const tried: number[] = [];
    let wrong: string | undefined;
    for (const at of points.slice(first, first + kPointsOfServer)) {
      tried.push(at);
      wrong = await faultAt(rig, at, rows);
      if (wrong !== undefined) break;
    }
    const end = await rig.end();
    if (wrong !== undefined) faults.push(`server, ${wrong}`);
    else if (end !== undefined) faults.push(`server, after allocations ${tried.join(', ')}: ${end}`);
    first += tried.length;
  }
  return faults;
}

/** As sweepDetect. */
export async function sweepAllocations(
  scratch: string,
  most: number,
  atOnce: number,
  say: (line: string) => void,
): Promise<string[]> {
  const counting = new Rig(scratch);
  await counting.begin();
  await counting.job(0);
  const { wrong, rows, allocations } = await counting.job(0);
  await counting.end();
  if (wrong !== undefined || rows === '') return [`server, without a fault: ${wrong ?? 'no catalogue'}`];
  if (allocations === 0) return ['server: no allocation was seen'];
  const points = spread(allocations, most);
  say(`server: ${points.length} of ${allocations} points of kind allocation`);
  const shares = Array.from({ length: Math.min(atOnce, points.length) }, (_, share) =>
    points.filter((_point, index) => index % atOnce === share),
  );
  return (await Promise.all(shares.map((share) => sweepShare(scratch, share, rows)))).flat();
}
