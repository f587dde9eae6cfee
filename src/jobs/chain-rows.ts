/** Chains as they lie in the database: which jobs are whose step. Everything else of them is in the jobs. */
import type { Database, Statement } from 'better-sqlite3';

export interface Step {
  name: string;
  /** Names of steps. */
  after: readonly string[];
  /** Ids, in the order of its list. */
  jobs: readonly string[];
}

export interface Chain {
  id: string;
  /** null = anonymous. */
  owner: string | null;
  runId: string | null;
  createdMs: number;
  steps: readonly Step[];
}

type Row = Omit<Chain, 'steps'> & { steps: string };

export class ChainRows {
  readonly #get: Statement;
  readonly #add: Statement;
  readonly #remove: Statement;

  constructor(database: Database) {
    this.#get = database.prepare('SELECT * FROM chain WHERE id = ?');
    this.#add = database.prepare(
      'INSERT INTO chain (id, owner, runId, createdMs, steps) VALUES (@id, @owner, @runId, @createdMs, @steps)',
    );
    this.#remove = database.prepare('DELETE FROM chain WHERE id = ?');
  }

  get(id: string): Chain | undefined {
    const row = this.#get.get(id) as Row | undefined;
    return row && { ...row, steps: JSON.parse(row.steps) as Step[] };
  }

  /** On the disk with the next commit that waits for it. */
  add(chain: Chain): void {
    this.#add.run({ ...chain, steps: JSON.stringify(chain.steps) });
  }

  remove(id: string): void {
    this.#remove.run(id);
  }
}
