/** The database of `data_dir/otf.sqlite`: its tables, step by step, and how a job lies in a row. */
import type { Database } from 'better-sqlite3';
import { OtfError } from '../errors/catalogue.js';
import type { ResultFile } from '../tasks/files.js';
import type { JobParameters } from '../tasks/parameters.js';
import { isFinal, type Job, type JobFailure, type JobInfo, type Phase, type Style, storedBytes } from './job.js';
import { withoutWholeAddresses } from './sealed.js';
import { type JsonColumns, kJsonUpgrades } from './upgrades.js';

/** Step n brings user_version n to n + 1. Steps that were ever released are never edited. */
const kMigrations = [
  `CREATE TABLE job (
     id TEXT PRIMARY KEY,
     style TEXT NOT NULL,
     phase TEXT NOT NULL,
     owner TEXT,
     remote TEXT NOT NULL,
     runId TEXT,
     createdMs INTEGER NOT NULL,
     queuedMs INTEGER,
     startedMs INTEGER,
     endedMs INTEGER,
     executionDurationS INTEGER NOT NULL,
     destructionMs INTEGER,
     modelId TEXT NOT NULL,
     quantization TEXT NOT NULL,
     parameters TEXT NOT NULL,
     results TEXT NOT NULL,
     failure TEXT,
     info TEXT NOT NULL
   ) STRICT`,
  'CREATE INDEX job_created ON job (createdMs)',
  // Rows of before: nobody could ask for a priority, and their JSON is version 1.
  `ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 5;
   ALTER TABLE job ADD COLUMN version INTEGER NOT NULL DEFAULT 1`,
  // What is asked for all the time must not take longer the more jobs are over: lists of a phase, totals, times that come.
  `ALTER TABLE job ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
   UPDATE job SET bytes =
     coalesce((SELECT sum(value ->> 'size') FROM json_each(results)), 0) +
     coalesce(parameters ->> '$.image.size', 0) + coalesce(parameters ->> '$.request.size', 0);
   CREATE INDEX job_phase ON job (phase, createdMs, bytes);
   CREATE INDEX job_destruction ON job (destructionMs) WHERE destructionMs IS NOT NULL`,
  // Rows of before: there was one kind. Their primary-beam images were not counted.
  `ALTER TABLE job ADD COLUMN kind TEXT NOT NULL DEFAULT 'detector';
   UPDATE job SET bytes = bytes + coalesce(parameters ->> '$.beam.size', 0)`,
  // Each has his own lists and what he keeps; what each used, by days.
  `CREATE INDEX job_owner ON job (owner, phase, createdMs, bytes);
   CREATE TABLE usage (
     owner TEXT NOT NULL,
     day TEXT NOT NULL,
     jobs INTEGER NOT NULL,
     items INTEGER NOT NULL,
     cpuSeconds REAL NOT NULL,
     gpuSeconds REAL NOT NULL,
     bytesIn INTEGER NOT NULL,
     bytesOut INTEGER NOT NULL,
     PRIMARY KEY (owner, day)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE chain (
     id TEXT PRIMARY KEY,
     owner TEXT,
     runId TEXT,
     createdMs INTEGER NOT NULL,
     steps TEXT NOT NULL
   ) STRICT`,
  // Whose results are still to be brought somewhere: found at a start, however many jobs there are.
  `CREATE INDEX job_undelivered ON job (id) WHERE info ->> '$.delivery.state' = 'waiting'`,
];

const kJsonVersion = kJsonUpgrades.length + 1;

/** Throws OTF_STORE_UNUSABLE when the file was written by a later program. */
export function migrate(database: Database): void {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version > kMigrations.length) {
    throw new OtfError(
      'OTF_STORE_UNUSABLE',
      `${database.name} has schema ${version}, this program knows ${kMigrations.length}: use the later program`,
    );
  }
  database.transaction(() => {
    for (const step of kMigrations.slice(version)) database.exec(step);
    database.pragma(`user_version = ${kMigrations.length}`);
  })();
}

const kColumns = [
  'id',
  'kind',
  'style',
  'phase',
  'owner',
  'remote',
  'runId',
  'createdMs',
  'queuedMs',
  'startedMs',
  'endedMs',
  'executionDurationS',
  'destructionMs',
  'modelId',
  'quantization',
  'priority',
  'version',
  'bytes',
  'parameters',
  'results',
  'failure',
  'info',
] as const;

/** A row keeps its rowid when it is saved again: the order of those created in one millisecond. */
export const kSaveSql = `INSERT INTO job (${kColumns.join(', ')}) VALUES (${kColumns.map((it) => `@${it}`).join(', ')})
  ON CONFLICT (id) DO UPDATE SET ${kColumns.map((it) => `${it} = excluded.${it}`).join(', ')}`;

export type JobRow = Record<(typeof kColumns)[number], string | number | null>;

export function toRow(now: Job): JobRow {
  const job = kept(now);
  return {
    ...job,
    version: kJsonVersion,
    bytes: storedBytes(job),
    parameters: JSON.stringify(job.parameters),
    results: JSON.stringify(job.results),
    failure: job.failure === null ? null : JSON.stringify(job.failure),
    info: JSON.stringify(job.info),
  };
}

/** Rows are our own, written by toRow of this version or an earlier one: their shape is not checked again. */
export function fromRow(row: JobRow): Job {
  const json = upgraded(row);
  return kept({
    id: row.id as string,
    kind: row.kind as string,
    style: row.style as Style,
    phase: row.phase as Phase,
    owner: row.owner as string | null,
    remote: row.remote as string,
    runId: row.runId as string | null,
    createdMs: row.createdMs as number,
    queuedMs: row.queuedMs as number | null,
    startedMs: row.startedMs as number | null,
    endedMs: row.endedMs as number | null,
    executionDurationS: row.executionDurationS as number,
    destructionMs: row.destructionMs as number | null,
    modelId: row.modelId as string,
    quantization: row.quantization as string,
    priority: row.priority as number,
    parameters: json.parameters as JobParameters,
    results: json.results as ResultFile[],
    failure: json.failure as JobFailure | null,
    info: json.info as JobInfo,
  });
}

function kept(job: Job): Job {
  return isFinal(job.phase) ? withoutWholeAddresses(job) : job;
}

function upgraded(row: JobRow): JsonColumns {
  const parsed = (text: JobRow['info']) => (text === null ? null : JSON.parse(text as string));
  const { parameters, results, failure, info } = row;
  const columns = {
    parameters: parsed(parameters),
    results: parsed(results),
    failure: parsed(failure),
    info: parsed(info),
  };
  return kJsonUpgrades.slice((row.version as number) - 1).reduce((now, step) => step(now), columns as JsonColumns);
}
