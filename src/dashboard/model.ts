/** What the dashboard knows: jobs, the server, a log, and which jobs are shown. No terminal, no sockets, no clock of its own. */
import type { JobSummary } from '../client/documents.js';
import { readSummary } from '../client/summaries.js';
import { printable } from '../io/terminal.js';
import { type ServerView, viewOfServer } from './server-view.js';

export interface LogLine {
  timeMs: number;
  jobId: string;
  level: string;
  text: string;
}

export type Connection = { state: 'connecting' } | { state: 'up' } | { state: 'lost'; sinceMs: number; reason: string };

/** Jobs that are kept: the newest. */
const kMaxJobs = 2000;
const kMaxLog = 500;
/** Seconds of throughput. */
const kMaxRates = 120;
const kActive = ['PENDING', 'HELD', 'QUEUED', 'EXECUTING'];

export const kPhaseFilters = ['all', 'active', 'EXECUTING', 'QUEUED', 'COMPLETED', 'ERROR', 'ABORTED'] as const;
export type PhaseFilter = (typeof kPhaseFilters)[number];

export class Model {
  readonly #jobs = new Map<string, JobSummary>();
  server: ServerView | undefined;
  connection: Connection = { state: 'connecting' };
  /** It was lost and is there again. */
  returnedMs: number | undefined;
  readonly log: LogLine[] = [];
  /** Items a second, once a second, the newest last. */
  readonly rates: number[] = [];
  phase: PhaseFilter = 'all';
  /** undefined = everybody's; '' = of those without a name. */
  owner: string | undefined;
  #changes = 0;

  /** Grows with every change: whoever draws compares it. */
  get changes(): number {
    return this.#changes;
  }

  // From the server

  connected(nowMs: number): void {
    if (this.connection.state === 'lost') {
      this.returnedMs = nowMs;
      this.#say(nowMs, '', 'info', 'the server is there again');
    }
    this.connection = { state: 'up' };
    this.#changes++;
  }

  lost(nowMs: number, reason: string): void {
    const text = printable(reason);
    if (this.connection.state !== 'lost') this.#say(nowMs, '', 'warn', `the server is gone: ${text}`);
    const sinceMs = this.connection.state === 'lost' ? this.connection.sinceMs : nowMs;
    this.connection = { state: 'lost', sinceMs, reason: text };
    this.server = undefined;
    this.#changes++;
  }

  /** All there are: others than these are gone. */
  replaceJobs(jobs: readonly JobSummary[]): void {
    this.#jobs.clear();
    for (const job of jobs) this.#jobs.set(job.id, plain(job));
    this.#changes++;
  }

  event(type: string, data: unknown, nowMs: number): void {
    this.#changes++;
    if (type === 'server') {
      this.server = viewOfServer(data);
      this.rates.push(this.server.itemsPerSecond);
      if (this.rates.length > kMaxRates) this.rates.shift();
    } else if (type === 'job') this.#job(plain(readSummary(data)), nowMs);
    else if (type === 'progress') this.#progress(data);
    else if (type === 'log') this.#logLine(data);
  }

  #job(job: JobSummary, nowMs: number): void {
    if (job.id === '') return;
    if (job.phase === 'DELETED') this.#jobs.delete(job.id);
    else this.#jobs.set(job.id, job);
    const named = job.image === undefined ? job.phase : `${job.image} ${job.phase}`;
    const more = job.error ?? (job.found ? `${job.found.count} ${job.found.rows}` : '');
    this.#say(nowMs, job.id, job.phase === 'ERROR' ? 'error' : 'info', more === '' ? named : `${named}: ${more}`);
    if (this.#jobs.size <= kMaxJobs) return;
    const oldest = [...this.#jobs.values()].sort(byCreation).at(-1);
    if (oldest) this.#jobs.delete(oldest.id);
  }

  #progress(data: unknown): void {
    const { jobId, done, total, unit } = (data ?? {}) as Record<string, unknown>;
    const job = this.#jobs.get(String(jobId));
    if (!job || typeof done !== 'number' || typeof total !== 'number') return;
    this.#jobs.set(job.id, { ...job, progress: { done, total, unit: printable(String(unit ?? '')) } });
  }

  #logLine(data: unknown): void {
    const { jobId, level, message, timeMs } = (data ?? {}) as Record<string, unknown>;
    this.#say(
      Number(timeMs) || 0,
      printable(String(jobId ?? '')),
      printable(String(level)),
      printable(String(message)),
    );
  }

  #say(timeMs: number, jobId: string, level: string, text: string): void {
    this.log.push({ timeMs, jobId, level, text });
    if (this.log.length > kMaxLog) this.log.shift();
  }

  // What is shown

  /** The newest first. */
  get shown(): JobSummary[] {
    return [...this.#jobs.values()].filter((job) => this.#wanted(job)).sort(byCreation);
  }

  get jobs(): number {
    return this.#jobs.size;
  }

  job(id: string | undefined): JobSummary | undefined {
    return id === undefined ? undefined : this.#jobs.get(id);
  }

  #wanted(job: JobSummary): boolean {
    if (this.owner !== undefined && (job.ownerId ?? '') !== this.owner) return false;
    if (this.phase === 'all') return true;
    return this.phase === 'active' ? kActive.includes(job.phase) : job.phase === this.phase;
  }

  nextPhase(): void {
    const place = kPhaseFilters.indexOf(this.phase);
    this.phase = kPhaseFilters[(place + 1) % kPhaseFilters.length] ?? 'all';
    this.#changes++;
  }

  /** Everybody, then each owner there is. */
  nextOwner(): void {
    const owners = [...new Set([...this.#jobs.values()].map(({ ownerId }) => ownerId ?? ''))].sort();
    const place = this.owner === undefined ? -1 : owners.indexOf(this.owner);
    this.owner = owners[place + 1];
    this.#changes++;
  }
}

function byCreation(a: JobSummary, b: JobSummary): number {
  const [first, second] = [a.creationTime ?? '', b.creationTime ?? ''];
  return first === second ? 0 : first < second ? 1 : -1;
}

/** Text of others, fit for a terminal. */
function plain(job: JobSummary): JobSummary {
  const entries = Object.entries(job).map(([name, value]) => [
    name,
    typeof value === 'string' ? printable(value) : value,
  ]);
  const clean = Object.fromEntries(entries) as unknown as JobSummary;
  if (clean.found) clean.found = { ...clean.found, rows: printable(clean.found.rows) };
  if (clean.batch) clean.batch = { ...clean.batch, reason: printable(clean.batch.reason) };
  if (clean.progress) clean.progress = { ...clean.progress, unit: printable(clean.progress.unit) };
  return clean;
}
