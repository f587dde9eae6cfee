/**
 * A worker: the local runner of this machine, told what to run by a server elsewhere (src/run/remote).
 *
 *     given ─► its inputs are brought (or fetched) here ─► begun ─► files and end told to the server ─► forgotten
 *
 * It holds nothing that matters: whatever happens to it, the server knows which jobs were its own.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
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
import type { Front } from './front.js';
import type { Held } from './held.js';
import { WorkerHost } from './host.js';
import { bringInputs } from './inputs.js';
import { bringModels } from './models.js';
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
  /** Why the server sends it away, when it does. */
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
    const own = await this.#shared?.ownFolder(name, this.#instance);
    const dir = own ?? join(cache, 'jobs', `${name}-${this.#instance}`);
    await mkdir(dir, { recursive: true });
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
      places: this.#runner.room().map((place) => ({
        name: place.name,
        tier: place.tier,
        takes: this.#models.filter((id) => place.takes(`${id}/`)),
        holds: [...new Set(held.map(({ order }) => order.batch.key))].filter((key) => place.holds(key)),
        hungry: place.hungry && !host.isShort && waiting(place.name) < terms.maxBatch,
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
    await this.#runner.stop(0);
    for (const held of this.#host.all()) {
      if (held.ending) continue;
      await this.#host.back(held.job.id, `the worker ${this.#parts.name} ends`);
    }
    const told = this.#host.settled();
    // A pause that nobody waits for any more keeps no process from ending.
    await Promise.race([told, pause(Math.max(1000, until - performance.now()), undefined, { ref: false })]);
    clearTimeout(this.#beating);
    clearTimeout(this.#soon);
    await this.#board.close();
    await this.#runner.close();
    await rm(this.#dir, { recursive: true, force: true });
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
