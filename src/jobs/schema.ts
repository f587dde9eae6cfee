/** The database of `data_dir/otf.sqlite`: its tables, step by step, and how a job lies in a row. */
import type { Database } from 'better-sqlite3';
import { OtfError } from '../errors/catalogue.js';
import type { Job, JobFailure, JobInfo, JobParameters, Phase, ResultFile, Style } from './job.js';

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
];

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
  'parameters',
  'results',
  'failure',
  'info',
] as const;

export const kSaveSql = `INSERT OR REPLACE INTO job (${kColumns.join(', ')})
  VALUES (${kColumns.map((column) => `@${column}`).join(', ')})`;

export type JobRow = Record<(typeof kColumns)[number], string | number | null>;

export function toRow(job: Job): JobRow {
  return {
    ...job,
    parameters: JSON.stringify(job.parameters),
    results: JSON.stringify(job.results),
    failure: job.failure === null ? null : JSON.stringify(job.failure),
    info: JSON.stringify(job.info),
  };
}

/** Rows are our own, written by toRow: their shape is not checked again. */
export function fromRow(row: JobRow): Job {
  return {
    id: row.id as string,
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
    parameters: JSON.parse(row.parameters as string) as JobParameters,
    results: JSON.parse(row.results as string) as ResultFile[],
    failure: row.failure === null ? null : (JSON.parse(row.failure as string) as JobFailure),
    info: JSON.parse(row.info as string) as JobInfo,
  };
}
