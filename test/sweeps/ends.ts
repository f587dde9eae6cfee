/** What tests register their ends with; in a sweep they come after each point. */
import type { TestContext } from 'node:test';

export class Ends {
  readonly #works: (() => unknown)[] = [];
  readonly context = { after: (work: () => unknown) => this.#works.push(work) } as unknown as TestContext;

  async come(): Promise<void> {
    for (const work of this.#works.reverse()) await work();
  }
}
