/**
 * Runs jobs on workers of other machines (src/run/worker), each of which is the local runner behind a wire:
 *
 *     begin ─► a lease: one attempt of one worker at one job ─► given over the broker ─► taken
 *     worker ─► beats (what it holds, how that goes) · executing? · end ─► files checked, the row committed ─► counts
 *
 * The rows are the only truth. The broker keeps nothing, so it can be lost at any moment; a worker is lost when it has not
 * been heard of for a lease while the broker was there; and after a restart of the server what the workers hold goes on.
 */
import { native } from '../../engine/addon.js';
import { OtfError } from '../../errors/catalogue.js';
import type { RunState } from '../../jobs/executor.js';
import { isFinal, type Job } from '../../jobs/job.js';
import type { WorkDesk } from '../../jobs/work-desk.js';
import { type Environment, environmentOf } from '../../provenance/environment.js';
import type { ResultFile, RowFilter } from '../../tasks/files.js';
import { Workers } from '../local/workers.js';
import type { Batch, Place, RunHost, Runner, RunnerStatus } from '../runner.js';
import { Attempts, workSecret } from './attempts.js';
import { Careful } from './careful.js';
import { Desk } from './desk.js';
import { Giving } from './giving.js';
import { Leases } from './leases.js';
import { Ledger } from './ledger.js';
import { dropSubject, type EndAnswer, kBeat, kEnd, kExecuting, kLog } from './messages.js';
import { remoteMetrics } from './metrics.js';
import { Reports } from './reports.js';
import { Roster, workerOf } from './roster.js';
import { type BrokerAccess, connectBroker, kFrontInbox, type Switchboard } from './switchboard.js';
import { Tallies } from './tallies.js';
import { termsOf } from './terms.js';

export interface RemoteParts {
  /** The server's own access, and what workers are told. */
  broker: { own: BrokerAccess; workers: Pick<BrokerAccess, 'url' | 'user' | 'password'> };
  /** Undefined: as the broker is reached. */
  connect?: typeof connectBroker;
}

/** A worker that was there before. */
const kOther = 'has other models or settings than this server, or another version';
const kTickMs = 250;
const kTogetherMs = 25;
/** A place has so many batches at most: what it has not begun could begin elsewhere. */
const kBatchesAhead = 3;
/** After a start, or when the broker is there again: workers say what they hold before anything is given out. */
const kSettleMs = 2500;
/** For a worker to say what an aborted attempt took. */
const kAbortMs = 5000;

export class RemoteRunner implements Runner {
  readonly apart = true;
  readonly togetherMs = kTogetherMs;
  environment: Environment = {};
  readonly #parts: RemoteParts;
  readonly #leases = new Leases();
  readonly #careful = new Careful();
  readonly #tallies = new Tallies();
  #host!: RunHost;
  #roster!: Roster;
  #ledger!: Ledger;
  #reports!: Reports;
  #giving!: Giving;
  #desk!: Desk;
  #board: Switchboard | undefined;
  #there = false;
  #settledMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #tickedMs = performance.now();
  #movement: NodeJS.Timeout | undefined;
  #closed = false;
  #threads: Workers | undefined;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  get desk(): WorkDesk {
    return this.#desk;
  }

  async start(host: RunHost): Promise<void> {
    this.#host = host;
    const { config } = host;
    this.environment = environmentOf(native().versions(), undefined);
    const { terms, cards } = await termsOf(config, this.#parts.broker.workers);
    const { max_batch } = config.policy;
    const most = { mostUnopened: max_batch, mostJobs: kBatchesAhead * max_batch };
    const roster = new Roster({ leaseMs: terms.leaseMs, models: terms.digest, ...most }, this.#leases);
    this.#roster = roster;
    const [leases, careful] = [this.#leases, this.#careful];
    const tallies = this.#tallies;
    const metrics = remoteMetrics(host.metrics, { roster, leases, tallies, there: () => this.#there });
    const attempts = new Attempts(workSecret(config.storage.data_dir));
    this.#desk = new Desk({
      attempts,
      cards,
      terms: () => terms,
      job: (id) => host.job(id),
      folder: (id) => host.folder(id),
      counts: (id, attempt) => (leases.of(id)?.attempt ?? attempt) === attempt,
      ended: (report, files) => this.#ended(this.#reports.ended(report, files)),
      mostFileMb: config.workers.max_result_mb,
      assertRoom: () => host.assertRoom(),
    });
    const mostLosses = config.workers.attempts;
    const desk = this.#desk;
    this.#ledger = new Ledger({ host, roster, leases, attempts, careful, desk, metrics, mostLosses });
    this.#reports = new Reports(this.#ledger, (worker, what) => this.#board?.tell(dropSubject(worker), what));
    this.#giving = new Giving({
      ledger: this.#ledger,
      board: () => this.#board,
      there: () => this.#there,
      closed: () => this.#closed,
    });
    this.#timer = setInterval(() => this.#tick(performance.now()), kTickMs);
    // The server takes jobs while the broker is away: they wait.
    this.#connect().catch((thrown) => host.internal(thrown));
  }

  async #connect(): Promise<void> {
    const { broker, connect = connectBroker } = this.#parts;
    const board = await connect(broker.own, 'cianna-otf', kFrontInbox);
    if (this.#closed) return board.close();
    this.#board = board;
    board.hear(kBeat, (said) => {
      if (!this.#closed && this.#reports.beat(said, performance.now())) this.#moved();
    });
    board.hear(kLog, (said) => this.#reports.log(said));
    board.answer(kExecuting, (said) => this.#reports.executing(said));
    board.answer(kEnd, (said) => this.#ended(this.#reports.end(said)));
    board.watch((there) => {
      this.#there = there;
      const now = performance.now();
      this.#settledMs = there ? now + kSettleMs : Number.POSITIVE_INFINITY;
      if (there) this.#roster.excuse(now);
    });
  }

  async #ended(answer: Promise<EndAnswer>): Promise<EndAnswer> {
    try {
      return await answer;
    } finally {
      this.#moved();
    }
  }

  room(): readonly Place[] {
    if (!this.#there || this.#closed || performance.now() < this.#settledMs) return [];
    return this.#roster.places(this.#careful.closed(this.#roster, this.#leases));
  }

  /** Workers fetch for themselves. */
  needsFetching(): boolean {
    return false;
  }

  fetch(job: Job): Promise<boolean> {
    return Promise.reject(new Error(`the inputs of ${job.id} are not fetched here`));
  }

  async begin(batch: Batch): Promise<void> {
    await Promise.all(batch.jobs.map((job) => this.#begin(job, batch).catch((thrown) => this.#host.internal(thrown))));
  }

  async #begin(job: Job, batch: Batch): Promise<void> {
    const now = this.#host.job(job.id);
    // It ended where it was, while it waited here.
    if (!now || isFinal(now.phase) || this.#leases.of(job.id) || this.#reports.ends(job.id)) {
      return this.#ledger.dropped(job);
    }
    const there = this.#reports.elsewhere(job.id);
    if (there) {
      this.#reports.adopt(now, there.attempt, there.place, performance.now());
    } else if (this.#careful.losses(job.id) > 0) {
      this.#careful.add({ job, batch });
      this.#giveCareful();
    } else {
      await this.#giving.give(job, batch, batch.place);
    }
  }

  #giveCareful(): void {
    for (;;) {
      const next = this.#careful.next(this.#roster, this.#leases);
      if (!next) return;
      const { cautious, place } = next;
      const alone: Batch = { ...cautious.batch, reason: 'alone', size: 1 };
      this.#giving.give(cautious.job, alone, place).catch((thrown) => this.#host.internal(thrown));
    }
  }

  /** Looked at once for all messages of a moment: those of many workers come together. */
  #moved(): void {
    this.#movement ??= setTimeout(() => {
      this.#movement = undefined;
      if (this.#closed) return;
      this.#giveCareful();
      this.#host.changed();
    }, kTogetherMs);
  }

  #tick(nowMs: number): void {
    // A process that was kept waiting, by its disk or for a processor, comes here before it hears what was said to it meanwhile.
    const lateMs = nowMs - this.#tickedMs - kTickMs;
    this.#tickedMs = nowMs;
    if (lateMs > kTickMs) this.#roster.deaf(lateMs);
    const settled = nowMs >= this.#settledMs;
    const lost = this.#there ? this.#roster.lost(nowMs) : [];
    for (const worker of lost) {
      for (const lease of this.#leases.ofWorker(worker)) {
        if (!this.#reports.ends(lease.job.id)) this.#ledger.lost(lease, 'is gone');
      }
    }
    if (lost.length > 0) this.#tallies.tidy(this.#roster);
    for (const lease of this.#leases.all()) {
      const told = lease.abortedMs;
      if (told !== undefined && nowMs - told > kAbortMs) this.#ledger.over(lease);
    }
    // Workers are heard of now and then; that they may be given something can also be a matter of time.
    if (settled) this.#moved();
  }

  abort(jobId: string): void {
    const waiting = this.#careful.remove(jobId);
    if (waiting) this.#ledger.dropped(waiting);
    const lease = this.#leases.of(jobId);
    if (!lease) return;
    this.#careful.forget(jobId);
    lease.abortedMs ??= performance.now();
    const { attempt, place } = lease;
    if (lease.takenMs === undefined && !this.#there) this.#ledger.over(lease);
    this.#board?.tell(dropSubject(place.slice(0, place.indexOf('/'))), { job: jobId, attempt });
  }

  represent({ id, kind }: Job, format: string, filter?: RowFilter): Promise<ResultFile> {
    this.#threads ??= new Workers(() => undefined);
    return this.#threads.run('represent', { kind, folder: this.#host.folder(id).ref, format, filter });
  }

  status(): RunnerStatus {
    const beats = this.#roster?.beats() ?? [];
    const notes = [this.#there ? `${beats.length} workers` : 'the broker is away'];
    const able = new Set(beats.length === 0 ? [] : this.#roster.places(new Set()).map(({ name }) => workerOf(name)));
    const strange = beats.filter(({ worker }) => !able.has(worker));
    for (const { worker, leaving, short } of strange) {
      const strangeness = short ? 'has too little disk' : `${kOther}: start it again`;
      notes.push(leaving ? `${worker} ends` : `${worker} ${strangeness}`);
    }
    return { ready: this.#there, notes };
  }

  state(): RunState {
    const itemsPerSecond = this.#roster.beats().reduce((sum, beat) => sum + beat.itemsPerSecond, 0);
    const workers = this.#roster.workers().map((worker) => ({ ...worker, ...this.#tallies.of(worker.name) }));
    return { devices: this.#roster.devices(), gpus: [], itemsPerSecond, workers };
  }

  /** Threads that did not come back. */
  get stuck(): number {
    return this.#threads?.stuck ?? 0;
  }

  /** Workers go on with what they have, and bring it when the server is there again. */
  async stop(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#movement);
    const jobs = [...this.#leases.all().map(({ job }) => job), ...this.#careful.all()];
    await Promise.all(jobs.map(({ id }) => this.#host.requeued(id)));
    await this.#board?.close();
  }

  async close(): Promise<void> {
    await this.#threads?.close(kTickMs);
  }
}

/** Of [workers] in otf.toml. Throws OTF_CONFIG_INVALID. */
export function brokerOf(workers: RunHost['config']['workers']): RemoteParts['broker'] {
  if (workers.broker === '') {
    throw new OtfError(
      'OTF_CONFIG_INVALID',
      'workers.broker is empty: say where the broker is, or serve --with-broker',
    );
  }
  const secret = { seedFile: workers.broker_seed || undefined, caFile: workers.broker_ca || undefined };
  return { own: { url: workers.broker, ...secret }, workers: { url: workers.broker_public || workers.broker } };
}
