/** The server's side of workers (src/run/remote) with a host that only notes what it is told. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Registry } from 'prom-client';
import { folderAt, folderRef } from '#otf/io/folder.js';
import type { Job } from '#otf/jobs/job.js';
import { Attempts, attemptName, workSecret } from '#otf/run/remote/attempts.js';
import { packed } from '#otf/run/remote/bundle.js';
import { Careful } from '#otf/run/remote/careful.js';
import { Desk } from '#otf/run/remote/desk.js';
import { type Lease, Leases } from '#otf/run/remote/leases.js';
import { Ledger } from '#otf/run/remote/ledger.js';
import type { Beat } from '#otf/run/remote/messages.js';
import { remoteMetrics } from '#otf/run/remote/metrics.js';
import { Reports } from '#otf/run/remote/reports.js';
import { Roster } from '#otf/run/remote/roster.js';
import { Tallies } from '#otf/run/remote/tallies.js';
import type { RunHost } from '#otf/run/runner.js';
import { atEnd } from './endings.js';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function job(id: string, phase: Job['phase'] = 'QUEUED'): Job {
  const parameters = { inputs: {}, asked: {} };
  return { id, phase, modelId: 'm', quantization: 'FP32', info: {}, parameters } as unknown as Job;
}

export function beat(worker: string, more: Partial<Beat> = {}): Beat {
  return {
    worker,
    startedMs: 1,
    instance: 'a',
    host: 'h',
    models: 'digest',
    leaving: false,
    short: false,
    places: [{ name: 'cpu', tier: 0, takes: ['m'], holds: [], hungry: true, busy: false }],
    jobs: [],
    passes: [],
    networks: [],
    itemsPerSecond: 0,
    ...more,
  };
}

export function rig(t: TestContext, ...jobs: Job[]) {
  const dir = mkdtempSync(join(tmpdir(), 'otf-workers-'));
  atEnd(t, () => rmSync(dir, { recursive: true }));
  const rows = new Map(jobs.map((each) => [each.id, each]));
  const told: string[] = [];
  const move = (id: string, from: readonly string[], phase: Job['phase']) => {
    const row = rows.get(id);
    if (!row || !from.includes(row.phase)) return false;
    rows.set(id, { ...row, phase });
    return true;
  };
  /** What a disk takes for a row, and whose files are out of the way already. */
  const disk = { synced: Promise.resolve(), deleting: new Set<string>() };
  const host = {
    job: (id: string) => rows.get(id),
    deleting: (id: string) => disk.deleting.has(id),
    folder: () => folderAt(folderRef(dir)),
    executing: async (id: string) => {
      told.push(`executing ${id}`);
      return move(id, ['QUEUED'], 'EXECUTING');
    },
    closing: (id: string) => ({ job: { ...rows.get(id), startedMs: 7 }, log: ['before'], baseUrl: 'http://s' }),
    opened: (each: Job, items: number) => told.push(`opened ${each.id} ${items}`),
    progress: () => undefined,
    passDone: (key: string, items: number) => told.push(`pass ${key} ${items}`),
    over: (each: Job) => told.push(`over ${each.id}`),
    completed: async (id: string) => {
      told.push(`completed ${id}`);
      await disk.synced;
      return move(id, ['EXECUTING'], 'COMPLETED');
    },
    failed: async (id: string, { message, detail = '' }: { message: string; detail?: string }) => {
      told.push(`failed ${id}: ${message}${detail === '' ? '' : ` (${detail})`}`);
      return move(id, ['EXECUTING', 'QUEUED'], 'ERROR');
    },
    lost: (each: Job, reason: Error) => {
      told.push(`lost ${each.id}: ${reason.message}`);
      move(each.id, ['EXECUTING'], 'QUEUED');
    },
    log: (id: string, _level: string, message: string) => told.push(`log ${id} ${message}`),
    internal: (thrown: unknown) => assert.fail(String(thrown)),
  } as unknown as RunHost;
  const leases = new Leases();
  const careful = new Careful();
  const roster = new Roster({ leaseMs: 100, mostUnopened: 2, mostJobs: 3, models: 'digest' }, leases);
  const attempts = new Attempts(workSecret(dir));
  const tallies = new Tallies();
  const metrics = remoteMetrics(new Registry(), { roster, leases, tallies, there: () => true });
  const desk = new Desk({
    attempts,
    cards: [],
    terms: () => ({}),
    job: (id) => rows.get(id),
    folder: () => folderAt(folderRef(dir)),
    counts: (id, attempt) => (leases.of(id)?.attempt ?? attempt) === attempt,
    ended: (report, files) => reports.ended(report, files),
    mostFileMb: 1,
    assertRoom: () => undefined,
  });
  const ledger = new Ledger({ host, roster, leases, attempts, careful, desk, metrics, mostLosses: 3 });
  const dropped: string[] = [];
  const reports: Reports = new Reports(ledger, (worker, what) =>
    dropped.push(`${worker} ${'job' in what ? what.job : what.leave}`),
  );
  const lease = (id: string, place = 'one/cpu', more: Partial<Lease> = {}): Lease => {
    const given = {
      job: job(id),
      attempt: attempts.new(id),
      place,
      sinceMs: 0,
      takenMs: 0,
      opened: false,
      absent: 0,
      ...more,
    };
    leases.add(given);
    return given;
  };
  /** A file as a worker brings it. */
  const bring = (attempt: string, file: string, text: string) => {
    writeFileSync(join(dir, `part-${attemptName(attempt)}-${file}`), text);
    return { file, size: Buffer.byteLength(text), sha256: sha256(text) };
  };
  const completed = (id: string, attempt: string, files: unknown[]) =>
    reports.end({
      job: id,
      attempt,
      worker: 'one',
      end: { how: 'completed', results: [], info: {}, endedMs: 1, files },
    });
  /** The same in one body, with the texts of its files. */
  const endOf = (id: string, attempt: string, texts: Record<string, string>, worker = 'one') => {
    const files = Object.entries(texts).map(([file, text]) => {
      return { file, size: Buffer.byteLength(text), sha256: sha256(text) };
    });
    const end = { how: 'completed', results: [], info: {}, endedMs: 1, files };
    return packed(
      { job: id, attempt, worker, end },
      Object.values(texts).map((text) => Buffer.from(text)),
    );
  };
  return {
    dir,
    disk,
    endOf,
    rows,
    told,
    leases,
    tallies,
    careful,
    roster,
    attempts,
    desk,
    ledger,
    reports,
    dropped,
    lease,
    bring,
    completed,
  };
}
