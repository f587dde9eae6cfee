/**
 * What a test began and has to end: the newest first, as a server before the folder it writes into, and all of it, whatever one
 * of them throws. The hooks of node's runner (`t.after`) go by age, and after the first that throws none runs: a server that
 * nobody ends keeps its file of tests from ending, until the run's own limit.
 */
import type { TestContext } from 'node:test';

type Work = () => unknown;

const kWorks = new WeakMap<object, Work[]>();

/** `work` runs when the test is over. */
export function atEnd(t: Pick<TestContext, 'after'>, work: Work): void {
  const known = kWorks.get(t);
  if (known) {
    known.push(work);
    return;
  }
  kWorks.set(t, [work]);
  t.after(() => endAll(t));
}

/** Throws what they threw, afterwards. */
export async function endAll(t: object): Promise<void> {
  const works = kWorks.get(t) ?? [];
  kWorks.delete(t);
  const thrown: unknown[] = [];
  for (const work of works.reverse()) {
    try {
      await work();
    } catch (error) {
      thrown.push(error);
    }
  }
  if (thrown.length === 1) throw thrown[0];
  if (thrown.length > 1) throw new AggregateError(thrown, thrown.map(String).join('; '));
}

/** In the place of a test's own, where no runner is; endAll ends what was begun with it. */
export function standInContext(): TestContext {
  return { after: () => undefined } as unknown as TestContext;
}
