/** Workers of a history: machines beside the server's, each a real Worker whose broker, HTTP, files and engines are the history's. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '#otf/config/load.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { type Terms, termsOf } from '#otf/run/remote/terms.js';
import type { Errand, Front, Wanted } from '#otf/run/worker/front.js';
import { bringModels } from '#otf/run/worker/models.js';
import { Worker } from '#otf/run/worker/worker.js';
import { real } from './disk.js';
import { Hub } from './hub.js';
import type { Machine, Sim } from './sim.js';
import type { SimAnswer, SimRequest } from './sockets.js';

export interface WorkersParts {
  sim: Sim;
  /** Empty, of this history alone. */
  dir: string;
  /** With the models of the server: nothing of them is brought. */
  cache: string;
  native: { clear: (machine: Machine) => void };
  /** To the server that there is now. */
  send: (request: SimRequest) => Promise<SimAnswer>;
  /** Of the configuration of the server that begins. */
  terms: () => Promise<Terms>;
  logged: (line: string) => void;
}

const kError = 50;
const kGraceMs = 5000;
const kAgainMs = 500;
/** Whoever is told to end has ended by then, with or without its server. */
const kEndsMs = 30_000;

/** Of a worker. */
interface Site {
  machine: Machine;
  /** Begun, and neither ended nor killed. */
  running: boolean;
  worker: Worker | undefined;
  ending: boolean;
}

export const kWorkToken = { authorization: '' };

export class Workers {
  readonly hub: Hub;
  readonly #parts: WorkersParts;
  readonly #sites: Site[];
  kills = 0;
  /** After each of these a worker may be lost under a job. */
  cuts = 0;

  constructor(parts: WorkersParts, count: number) {
    this.#parts = parts;
    this.hub = new Hub(parts.sim);
    this.#sites = Array.from({ length: count }, (_, index) => {
      return { machine: { name: `worker-${index}`, life: 0 }, running: false, worker: undefined, ending: false };
    });
  }

  get names(): string[] {
    return this.#sites.map(({ machine }) => machine.name);
  }

  /** Those that do not run. */
  startAll(): void {
    for (const site of this.#sites) if (!site.running) this.#start(site);
  }

  startOne(): void {
    const site = this.#parts.sim.pick(this.#sites);
    if (!site.running) this.#start(site);
  }

  #start(site: Site): void {
    const { sim, logged } = this.#parts;
    const { machine } = site;
    const where = { machine, life: machine.life };
    site.running = true;
    sim.note(`${machine.name} begins`);
    // A worker that waits for its broker counts as there: it is killed like one.
    const begun = sim.as(where, () => this.#begin(site));
    begun.catch((thrown) => {
      if (where.life === machine.life)
        logged(JSON.stringify({ level: kError, msg: `${machine.name}`, err: { stack: (thrown as Error).stack } }));
    });
  }

  async #begin(site: Site): Promise<void> {
    const { dir, cache, terms, logged } = this.#parts;
    const { machine } = site;
    const { life } = machine;
    const write = (line: string) => {
      if (machine.life === life) logged(line);
    };
    const own = join(dir, `${machine.name}-${life}`);
    mkdirSync(own, { recursive: true });
    real.symlinkSync(join(cache, 'models'), join(own, 'models'));
    const worker = await Worker.start({
      name: machine.name,
      config: await loadConfig({ flags: { logging: { level: 'silent' } }, env: {} }),
      terms: await terms(),
      front: new SimFront(this.#parts, this.hub, machine) as unknown as Front,
      broker: {},
      cache: own,
      log: pino({ level: 'info', base: null }, { write }),
      signal: new AbortController().signal,
      connect: () => this.hub.connect(machine.name),
    });
    if (machine.life === life) site.worker = worker;
  }

  kill(): void {
    const site = this.#parts.sim.pick(this.#sites);
    if (!site.running) return;
    this.#parts.sim.note(`${site.machine.name} is killed`);
    this.kills++;
    this.#gone(site);
  }

  /** As by SIGTERM. */
  stop(): void {
    const { sim } = this.#parts;
    const site = sim.pick(this.#sites);
    const { worker, machine } = site;
    if (!worker || site.ending) return;
    const { life } = machine;
    site.ending = true;
    sim.note(`${machine.name} is told to end`);
    sim
      .as({ machine, life }, () => worker.stop(kGraceMs))
      .then(() => {
        sim.note(`${machine.name} has ended`);
        if (machine.life === life) this.#gone(site);
      });
    sim.atOf(undefined, kEndsMs, 'world', () => {
      if (machine.life === life) sim.fault(`${machine.name} does not end`);
    });
  }

  #gone(site: Site): void {
    site.machine.life++;
    Object.assign(site, { running: false, worker: undefined, ending: false });
    this.#parts.native.clear(site.machine);
  }

  cutOne(): void {
    this.cuts++;
    this.hub.cut(this.#parts.sim.pick(this.names));
  }

  /** One of them is away for about as long as makes it a lost one, and comes back with what it has. */
  async missOne(leaseMs: number): Promise<void> {
    const { sim } = this.#parts;
    const name = sim.pick(this.names);
    this.cuts++;
    this.hub.cut(name);
    await sim.run(sim.nowMs + sim.between(0.8, 1.8) * leaseMs);
    this.hub.join(name);
  }

  joinAll(): void {
    for (const name of this.names) this.hub.join(name);
  }

  calmDown(): void {
    if (!this.hub.calm) {
      this.hub.setThere(true);
      this.joinAll();
    }
    this.keepOne();
  }

  /** Who is gone stays away, and has to be missed; but somebody is there. */
  keepOne(): void {
    if (this.#sites.some(({ running, ending }) => running && !ending)) return;
    const away = this.#sites.find(({ running }) => !running);
    if (away) this.#start(away);
  }

  /** Folders of jobs where workers run. */
  left(): string[] {
    const jobs = this.#sites
      .filter(({ running }) => running)
      .map(({ machine: { name, life } }) => join(this.#parts.dir, `${name}-${life}`, 'jobs'));
    const folders = jobs.flatMap((dir) =>
      real.readdirSync(dir, { withFileTypes: true }).filter((own) => own.isDirectory()),
    );
    return folders.flatMap(({ parentPath, name }) => real.readdirSync(join(parentPath, name)));
  }

  /** Nobody is told: the history is over. */
  clear(): void {
    for (const site of this.#sites) this.#gone(site);
  }
}

/** HTTP from a worker's machine: as Front, of which it is the histories' half. */
class SimFront {
  readonly #parts: WorkersParts;
  readonly #hub: Hub;
  readonly #machine: Machine;
  readonly #life: number;

  constructor(parts: WorkersParts, hub: Hub, machine: Machine) {
    this.#parts = parts;
    this.#hub = hub;
    this.#machine = machine;
    this.#life = machine.life;
  }

  async download(address: string, path: string, wanted: Wanted, errand: Errand): Promise<void> {
    const { bytes } = await this.#untilAnswered({ method: 'GET', path: address }, errand);
    if (wanted.size !== undefined && bytes.length !== wanted.size)
      throw refused(`${address} has ${bytes.length} bytes`);
    await this.#parts.sim.io(() => real.writeFileSync(path, bytes));
  }

  async upload(address: string, path: string, _size: number, errand: Errand): Promise<void> {
    await this.#untilAnswered({ method: 'POST', path: address, body: real.readFileSync(path) }, errand);
  }

  async end(jobId: string, body: Buffer, errand: Errand): Promise<unknown> {
    const answer = await this.#untilAnswered({ method: 'POST', path: `/work/jobs/${jobId}/end`, body }, errand);
    return JSON.parse(answer.body);
  }

  async #untilAnswered(request: SimRequest, { attempt, signal }: Errand) {
    const { sim } = this.#parts;
    const headers = {
      ...kWorkToken,
      'content-type': 'application/octet-stream',
      ...(attempt === undefined ? {} : { 'otf-attempt': attempt }),
    };
    for (;;) {
      if (signal.aborted) throw signal.reason;
      const answer = await this.#send({ ...request, headers, pieces: 2, slowMs: 20 }, signal);
      if (signal.aborted) throw signal.reason;
      if (!answer.gone && answer.status < 300) return answer;
      if (!answer.gone && answer.status < 500 && answer.status !== 429) {
        throw refused(`${request.path} answers ${answer.status}: ${answer.body.slice(0, 200)}`);
      }
      await sim.io(() => undefined, 2 * kAgainMs);
    }
  }

  /** An answer may be lost on its way back. */
  async #send(request: SimRequest, signal: AbortSignal): Promise<SimAnswer> {
    const { sim } = this.#parts;
    const { name, life } = this.#machine;
    if (life !== this.#life) return new Promise(() => undefined);
    if (!this.#hub.reaches(name)) {
      await sim.io(() => undefined, 1000);
      return { gone: true };
    }
    const leaves = sim.chance(0.05) ? { leavesMs: sim.between(0, 50) } : {};
    const answer = await new Promise<SimAnswer>((resolve) => {
      const leave = () => resolve({ gone: true });
      signal.addEventListener('abort', leave);
      // What the server does then is the server's doing.
      sim
        .as(undefined, () => this.#parts.send({ ...request, ...leaves }))
        .then((came) => {
          signal.removeEventListener('abort', leave);
          resolve(came);
        });
    });
    return this.#hub.reaches(name) && !sim.chance(0.02) ? answer : { gone: true };
  }
}

function refused(message: string): OtfError {
  return new OtfError('OTF_SERVER_ANSWER', message);
}

/** The models of the server, as workers keep them. `dataDir`: empty. */
export async function fillCache(models: string, cache: string, dataDir: string): Promise<void> {
  const config = await loadConfig({ flags: { models: { dir: models }, storage: { data_dir: dataDir } }, env: {} });
  const { terms, cards } = await termsOf(config, { url: 'nats://nobody:4222' });
  const front = {
    download: async (address: string, path: string) => {
      const card = cards.find(({ id }) => address === `/work/models/${id}`);
      if (card) copyFileSync(card.weightsPath, path);
    },
  };
  await bringModels(terms, front as unknown as Front, cache, new AbortController().signal);
}
