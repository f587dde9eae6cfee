/** A server that wants to know who asks: the page says so, and works once the browser has a token. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { closeBrowser, drop, kNoChromium, visit } from './support/browser.js';
import { kRoot } from './support/cli.js';
import { field, startTestServer, tempDir } from './support/server.js';

describe('The page: signing in', { skip: kNoChromium }, () => {
  after(closeBrowser);

  it('shows nothing to strangers, and everything of his own to who has a token', async (t) => {
    const dataDir = await tempDir(t);
    const args = [join(kRoot, 'bin/cianna-otf.js'), 'token', 'add', 'ada', '--data-dir', dataDir];
    const made = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const token = /otf_\S+/.exec(made.stdout)?.[0] ?? '';
    assert.notEqual(token, '', made.stderr);
    const server = await startTestServer(t, { dataDir });
    const stranger = await visit(t, server.url);
    await stranger.page.getByRole('link', { name: 'Sign in' }).waitFor();
    assert.equal(await stranger.page.getByRole('button', { name: 'Submit' }).count(), 0);
    const { page } = await visit(t, server.url, { credentials: { username: 'ada', password: token } });
    await page.getByRole('link', { name: 'Sign in' }).or(page.getByText('Live')).first().waitFor();
    if ((await page.getByText('Live').count()) === 0) await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByText('Live').waitFor();
    await drop(page.locator('.drop'), [{ name: 'a.fits', bytes: await field(await tempDir(t), 256) }]);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('link', { name: 'Open the job' }).click();
    await page.locator('.job-head').getByText('completed').waitFor();
    await page.getByRole('region', { name: 'About this job' }).getByText('ada', { exact: true }).waitFor();
    await page.locator('.sky-frame canvas').first().waitFor();
  });
});
