/** What one part of the torture does, and what it gives. */
import type { TestContext } from 'node:test';

export interface TortureOptions {
  seed: number;
  /** Small tasks, beside everything else. */
  tasks: number;
  /** Of overload. */
  seconds: number;
  say: (line: string) => void;
}

export interface Outcome {
  figures: Record<string, number | string>;
  /** What did not hold, a line each. */
  faults: string[];
  /** Why it could not be tried. */
  skipped?: string;
}

export type Scene = (t: TestContext, options: TortureOptions) => Promise<Outcome>;
