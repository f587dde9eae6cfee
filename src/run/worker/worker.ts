/**
 * A worker: the local runner of this machine, told what to run by a server elsewhere (src/run/remote).
 *
 *     given ─► its inputs are brought (or fetched) here ─► begun ─► files and end told to the server ─► forgotten
 *
 * It holds nothing that matters: whatever happens to it, the server knows which jobs were its own.
 */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Config } from '../../config/schema.js';
import { OtfError, toOtfError } from '../../errors/catalogue.js';
import { uploadedBytes } from '../../jobs/job.js';
import { jobFailure } from '../local/failure.js';
import { LocalRunner } from '../local/runner.js';
import { type Beat, dropSubject, giveSubject, kBeat } from '../remote/messages.js';
import type { Order, OrderAnswer } from '../remote/order.js';
import type { BrokerAccess, Switchboard } from '../remote/switchboard.js';
import { connectBroker, kWorkerInboxes } from '../remote/switchboard.js';
import type { Terms } from '../remote/terms.js';
import type { Runner } from '../runner.js';
import { type Front, isShutOut } from './front.js';
import type { Held } from './held.js';
import { WorkerHost } from './host.js';
import { bringInputs } from './inputs.js';
import { bringModels } from './models.js';
import { ownFolder, removeOwnFolder } from './own-folder.js';
import { Shared } from './shared.js';

export interface WorkerParts {
  name: string;
  config: Config;
  terms: Terms;
  front: Front;
  /** Beside what the terms say: this worker's own secret. */
  broker: Pick<BrokerAccess, 'seedFile' | 'caFile'>;
  /** Of models, by their sums; and folders of jobs, that go. */
  cache: string;
  log: Logger;
  signal: AbortSignal;
  /** Undefined: the devices of this machine. */
  runner?: Runner & { readonly stuck: number };
  /** Undefined: as the broker is reached. */
  connect?: typeof connectBroker;
}

const kBeatMs = 1000;
/** Beats because something moved are not closer than this: a job that begins and one that ends are told of together. */
const kSoonMs = 100;
const kStopStepMs = 50;
/** To tell the server, however little of the grace is left; and to let go of what it was not told. */
const kLeastTellMs = 1000;
const kLetGoMs = 3000;

export class Worker {
  readonly #parts: WorkerParts;
  readonly #runner: Runner & { readonly stuck: number };
  readonly #instance = randomBytes(8).toString('hex');
  readonly #startedMs = Date.now();
  #host!: WorkerHost;
  #board!: Switchboard;
  #shared: Shared | undefined;
  /** Of its jobs. */
  #dir = '';
  #models: Beat['places'][number]['takes'] = [];
  #beating: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #leaving = false;
  /** When it last had something to do. */
  #busyMs = performance.now();
  /** Why the server sends it away, when it does, or does not let it in any more. */
  readonly sentAway: Promise<string>;
  #sendAway!: (why: string) => void;

  private constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#runner = parts.runner ?? new LocalRunner();
    this.sentAway = new Promise((resolve) => {
      this.#sendAway = resolve;
    });
  }

  /** Ready for work. Throws what its parts do. */
  static async start(parts: WorkerParts): Promise<Worker> {
    const worker = new Worker(parts);
    await worker.#start();
    return worker;
  }

  async #start(): Promise<void> {
    const { name, config, terms, front, broker, cache, log, signal, connect = connectBroker } = this.#parts;
    const models = await bringModels(terms, front, cache, signal);
    this.#models = terms.models.map(({ id }) => id);
    const { shared_dir } = config.workers;
    if (shared_dir !== '') this.#shared = await Shared.open(shared_dir, terms.share);
    const dir = await ownFolder(this.#shared?.workersFolder ?? join(cache, 'jobs'), name, this.#instance);
    this.#dir = dir;
    this.#board = await connect({ ...terms.broker, ...broker }, name, `${kWorkerInboxes}.${name}`);
    this.#host = new WorkerHost({
      // What decides results is the server's, what they are computed on is this machine's.
      config: {
        ...config,
        detection: terms.detection as Config['detection'],
        models: { ...config.models, dir: models },
      },
      metrics: new Registry(),
      log,
      worker: name,
      dir,
      board: this.#board,
      front,
      shared: this.#shared,
      environment: (attempt) => ({ ...this.#runner.environment, 'srv.Worker': name, 'srv.Attempt': `${attempt}` }),
      moved: () => this.#beatSoon(),
      leave: (why) => this.#sendAway(why),
    });
    await this.#runner.start(this.#host);
    this.#board.answer(giveSubject(name), (said) => this.#given(said as Order));
    this.#board.hear(dropSubject(name), (said) => this.#drop(said as Record<string, string>));
    this.#beating = setTimeout(() => this.#beat(), kBeatMs);
    this.#board.watch((there) => {
      log.info(there ? 'the broker is there' : 'the broker is away');
      if (there) this.#beat();
    });
    this.#busyMs = performance.now();
  }

  async #given(order: Order): Promise<OrderAnswer> {
    const { job, device } = order;
    if (this.#leaving || !this.#runner.room().some(({ name }) => name === device)) return { taken: false };
    const before = this.#host.of(job.id);
    if (before && before.order.attempt !== order.attempt) this.#letGo(before);
    const held = this.#host.add(order);
    this.#busyMs = performance.now();
    if (held) this.#run(held).catch((thrown) => this.#host.internal(thrown));
    return { taken: true };
  }

  async #run(held: Held): Promise<void> {
    const { order, job } = held;
    const host = this.#host;
    const begin = async () => {
      held.begun = true;
      const { id, key, reason, startedMs, size } = order.batch;
      await this.#runner.begin({ id, place: order.device, key, reason, startedMs, jobs: [job], size });
      this.#beatSoon();
    };
    // It begins at once: there is nothing to take it back from.
    const early = () => {
      begin().catch((thrown) => host.internal(thrown));
      return () => undefined;
    };
    try {
      host.assertRoom(uploadedBytes(job.parameters));
      await bringInputs(held, this.#parts.front, this.#shared);
      if (this.#runner.needsFetching(job)) {
        if (!(await host.executing(job.id, {}))) return;
        if (!(await this.#runner.fetch(job, held.stop.signal, early))) return;
      }
    } catch (thrown) {
      if (held.dropped) return;
      const error = toOtfError(thrown);
      if (error.code === 'OTF_SHORTAGE') {
        host.short(job, error);
        return;
      }
      if (isShutOut(error)) {
        await host.shutOut(held, error);
        return;
      }
      // A message of a system, about a file of this machine, is nobody's business elsewhere.
      if (error.code === 'OTF_INTERNAL') host.internal(thrown);
      await host.failed(job.id, jobFailure(error, undefined));
      return;
    }
    if (held.dropped || host.find(job.id, order.attempt) !== held) return;
    await begin();
  }

  #drop(said: Record<string, string>): void {
    const { job, attempt, instance, leave } = said;
    if (instance === this.#instance && leave !== undefined) this.#sendAway(leave);
    const held = job === undefined || attempt === undefined ? undefined : this.#host.find(job, attempt);
    if (held) this.#letGo(held);
  }

  /** Whatever still comes of it is of no account. */
  #letGo(held: Held): void {
    held.stop.abort(new OtfError('OTF_CANCELLED', 'the job is not wanted any more'));
    this.#runner.abort(held.job.id);
    this.#host.drop(held);
  }

  #beatSoon(): void {
    this.#soon ??= setTimeout(() => this.#beat(), kSoonMs);
  }

  #beat(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    // The next one, when nothing moves before.
    this.#beating?.refresh();
    const host = this.#host;
    const { terms, name } = this.#parts;
    const state = this.#runner.state();
    const held = host.all();
    const waiting = (device: string) => held.filter(({ order, begun }) => order.device === device && !begun).length;
    const beat: Beat = {
      worker: name,
      startedMs: this.#startedMs,
      instance: this.#instance,
      host: hostname(),
      models: terms.digest,
      leaving: this.#leaving,
      short: host.isShort,
      places: this.#runner.room().map((place) => ({
        name: place.name,
        tier: place.tier,
        takes: this.#models.filter((id) => place.takes(`${id}/`)),
        holds: [...new Set(held.map(({ order }) => order.batch.key))].filter((key) => place.holds(key)),
        hungry: place.hungry && waiting(place.name) < terms.maxBatch,
        busy: place.busy,
      })),
      jobs: held.map(({ order: { attempt, device }, job, progress }) => ({
        ...{ job: job.id, attempt, place: device },
        ...(progress ? { progress } : {}),
      })),
      passes: host.takePasses(),
      networks: state.devices.map(({ name: place, networks }) => ({ place, networks: [...networks] })),
      itemsPerSecond: state.itemsPerSecond,
    };
    for (const { place, networks } of beat.networks) {
      const at = beat.places.find(({ name: each }) => each === place);
      at?.holds.push(...networks.filter(({ key, loaded }) => loaded && !at.holds.includes(key)).map(({ key }) => key));
    }
    this.#board.tell(kBeat, beat);
  }

  /** What it has may end within graceMs; the rest goes back to the server. */
  async stop(graceMs: number): Promise<void> {
    this.#leaving = true;
    this.#beat();
    const until = performance.now() + graceMs;
    while (this.#host.all().some(({ begun }) => begun) && performance.now() < until) await pause(kStopStepMs);
    const told = this.#giveBack();
    await Promise.race([told, waited(until - performance.now())]);
    // A server that is not there is told nothing: it misses this worker, or finds its jobs with nobody.
    for (const held of this.#host.all()) held.stop.abort(new OtfError('OTF_CANCELLED', 'the worker ends'));
    await Promise.race([told, waited(kLetGoMs)]);
    this.#beat();
    clearTimeout(this.#beating);
    clearTimeout(this.#soon);
    await this.#board.close();
    await this.#runner.close();
    await removeOwnFolder(this.#dir);
  }

  /** Of what has not ended; resolves when the server has answered, or nobody waits for that any more. */
  async #giveBack(): Promise<void> {
    await this.#runner.stop(0);
    const left = this.#host.all().filter(({ ending }) => !ending);
    const why = `the worker ${this.#parts.name} ends`;
    await Promise.all(left.map(({ job }) => this.#host.back(job.id, why)));
    await this.#host.settled();
  }

  /** For how long it has had nothing to do. */
  get idleMs(): number {
    if (this.#host.all().length > 0) this.#busyMs = performance.now();
    return performance.now() - this.#busyMs;
  }

  /** Threads that did not come back. */
  get stuck(): number {
    return this.#runner.stuck;
  }
}

/** Nobody's process is kept from ending by it. */
function waited(ms: number): Promise<void> {
  return pause(Math.max(kLeastTellMs, ms), undefined, { ref: false });
}
