/**
 * Who used what: by owner and day (UTC), in the database. What is told is written with the next commit of jobs, or a second later:
 * a crash of the program may take that second with it.
 */
import type { Database, Statement } from 'better-sqlite3';

export interface Used {
  jobs: number;
  /** That went through a network, e.g. tiles. */
  items: number;
  /** Of a device that runs networks: the jobs' shares of its forward passes. */
  cpuSeconds: number;
  gpuSeconds: number;
  /** Uploaded, and of results. */
  bytesIn: number;
  bytesOut: number;
}

/** `owner` null = people without a name. */
export interface UsedBy extends Used {
  owner: string | null;
}

const kCounts = ['jobs', 'items', 'cpuSeconds', 'gpuSeconds', 'bytesIn', 'bytesOut'] as const;
const kSums = kCounts.map((name) => `SUM(${name}) AS ${name}`).join(', ');
/** Owners that are told of one by one where there is no end to them. */
const kMostOwners = 1000;
const kDay = /^\d{4}-\d{2}-\d{2}$/;

export class Usage {
  readonly #add: Statement;
  readonly #ofAll: Statement;
  readonly #ofOne: Statement;
  /** By owner ('' = nobody), then day. */
  readonly #waiting = new Map<string, Map<string, Used>>();

  constructor(database: Database) {
    const names = kCounts.map((name) => `@${name}`).join(', ');
    const sums = kCounts.map((name) => `${name} = ${name} + excluded.${name}`).join(', ');
    this.#add = database.prepare(
      `INSERT INTO usage (owner, day, ${kCounts.join(', ')}) VALUES (@owner, @day, ${names})
       ON CONFLICT (owner, day) DO UPDATE SET ${sums}`,
    );
    const days = 'day BETWEEN @from AND @to';
    this.#ofAll = database.prepare(
      `SELECT owner, ${kSums} FROM usage WHERE ${days} GROUP BY owner ORDER BY owner LIMIT ${kMostOwners}`,
    );
    this.#ofOne = database.prepare(`SELECT owner, ${kSums} FROM usage WHERE owner = @owner AND ${days} GROUP BY owner`);
  }

  add(owner: string | null, used: Partial<Used>, nowMs = Date.now()): void {
    const day = new Date(nowMs).toISOString().slice(0, 10);
    const days = this.#waiting.get(owner ?? '') ?? new Map<string, Used>();
    this.#waiting.set(owner ?? '', days);
    const sum = days.get(day) ?? { jobs: 0, items: 0, cpuSeconds: 0, gpuSeconds: 0, bytesIn: 0, bytesOut: 0 };
    days.set(day, sum);
    for (const name of kCounts) sum[name] += used[name] ?? 0;
  }

  get dirty(): boolean {
    return this.#waiting.size > 0;
  }

  /** In a transaction of its caller's; `written` once that has come to its end. */
  write(): void {
    for (const [owner, days] of this.#waiting) {
      for (const [day, used] of days) this.#add.run({ owner, day, ...used });
    }
  }

  written(): void {
    this.#waiting.clear();
  }

  /** Days as 2026-01-31, both included; absent = whenever. Those of one owner, or of the first thousand. */
  between(from: string | undefined, to: string | undefined, of: 'all' | { owner: string | null }): UsedBy[] {
    const days = { from: from ?? '', to: to ?? '9999-12-31' };
    const rows = of === 'all' ? this.#ofAll.all(days) : this.#ofOne.all({ ...days, owner: of.owner ?? '' });
    return (rows as (Used & { owner: string })[]).map((row) => ({
      ...row,
      owner: row.owner === '' ? null : row.owner,
    }));
  }
}

export function isDay(text: string): boolean {
  return kDay.test(text) && !Number.isNaN(Date.parse(text));
}
