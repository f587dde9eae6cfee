import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atEnd, endAll, standInContext } from './support/endings.js';

describe('What a test has to end', () => {
  it('is ended, the newest first, whatever one of them throws', async () => {
    const [context, ended] = [standInContext(), [] as string[]];
    for (const name of ['folder', 'mount', 'server'])
      atEnd(context, async () => {
        ended.push(name);
        if (name === 'server') throw new Error('it did not end well');
      });
    await assert.rejects(endAll(context), /^Error: it did not end well$/);
    assert.deepEqual(ended, ['server', 'mount', 'folder']);
  });

  it('is ended once, and what comes afterwards has an end of its own', async () => {
    const [context, ended] = [standInContext(), [] as number[]];
    atEnd(context, () => ended.push(1));
    await endAll(context);
    atEnd(context, () => ended.push(2));
    await endAll(context);
    await endAll(context);
    assert.deepEqual(ended, [1, 2]);
  });

  it('tells of all that went wrong', async () => {
    const context = standInContext();
    for (const name of ['one', 'two'])
      atEnd(context, () => {
        throw new Error(name);
      });
    await assert.rejects(endAll(context), /Error: two; Error: one/);
  });
});
