/** The page of a server whose jobs run elsewhere: who works, and what has become of jobs there. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assertSound, closeBrowser, kNoChromium, visit } from './support/browser.js';
import { field, tempDir } from './support/server.js';
import { kNoBroker, startSite, TestWorker } from './support/workers.js';

describe('The page of a server with workers', { skip: kNoBroker ?? kNoChromium }, () => {
  after(closeBrowser);

  it('lists them, with their networks and what became of jobs there', async (t) => {
    const dir = await tempDir(t);
    const { server } = await startSite(t);
    const visitor = await visit(t, `${server.url}#/server`);
    const { page } = visitor;
    await page.getByText('None is heard of: jobs wait.').waitFor();
    await new TestWorker(t, server, 'node-1', join(dir, 'cache')).ready();
    await server.until(await server.submit({}, await field(dir, 300, 1)), 'COMPLETED');
    const row = page.getByRole('table', { name: 'Workers on other machines' }).getByRole('row').nth(1);
    await row.getByText('demo-continuum').waitFor();
    const cells = await row.getByRole('cell').allInnerTexts();
    assert.match(cells[0] ?? '', /^node-1 for /);
    assert.deepEqual([cells[1], ...cells.slice(3)], [hostname(), '0', '1', '0', '0', '0']);
    await assertSound(visitor, 'the server');
  });
});
