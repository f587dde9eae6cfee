/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The page in a real browser: submit and watch jobs, as a person does. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { assertSound, closeBrowser, drop, kNoChromium, visit } from './support/browser.js';
import { httpServer } from './support/http-server.js';
import { field, freePort, startTestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';

/** Long enough to be watched and stopped. */
const kLongPx = 6000;

describe('The page: submit and jobs', { skip: kNoChromium }, () => {
  after(closeBrowser);

  it('takes dropped files, shows each job live until it is complete, and what it found', async (t) => {
    const server = await startTestServer(t);
    const visitor = await visit(t, server.url);
    const { page } = visitor;
    const image = await field(await tempDir(t), 256, 7);
    await drop(page.locator('.drop'), [
      { name: 'one.fits', bytes: image },
      { name: 'two <img src=x>.fits', bytes: image },
    ]);
    await assertSound(visitor, 'submit');
    await page.getByRole('button', { name: 'Submit 2 jobs' }).click();
    await page.getByRole('link', { name: 'Open the job' }).nth(1).waitFor();
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    const row = page.getByRole('row').filter({ hasText: 'two <img src=x>.fits' });
    await row.getByText('completed').waitFor();
    assert.match((await row.textContent()) ?? '', /\d+ sources/);
    await assertSound(visitor, 'jobs');
    await row.getByRole('link', { name: 'two <img src=x>.fits', exact: true }).click();
    await page.getByRole('heading', { name: 'two <img src=x>.fits' }).waitFor();
    assert.equal(await page.locator('h1 img').count(), 0);
    await page.getByRole('heading', { name: 'Log', exact: true }).waitFor();
    await assertSound(visitor, 'a job');
  });

  it('makes the form from the description of the kind, and sends what it says', async (t) => {
    const server = await startTestServer(t);
    const { page, faults } = await visit(t, server.url);
    await page.getByRole('button', { name: 'Card' }).click();
    await page.getByRole('dialog').getByText('Cornu et al. 2024').waitFor();
    await page.keyboard.press('Escape');
    const roi = page.getByRole('group', { name: 'ROI' });
    await roi.getByLabel('RA (deg)').fill('10:00:28.6');
    await roi.getByLabel('DEC (deg)').fill('-30:30:00');
    assert.match((await roi.textContent()) ?? '', /10:00:28\.600/);
    await roi.getByLabel('W (pixel)').fill('64');
    await roi.getByLabel('H (pixel)').fill('0.5');
    assert.match((await roi.textContent()) ?? '', /from 1 to/);
    await roi.getByLabel('H (pixel)').fill('32');
    await page.getByLabel('Compute type').selectOption('BF16C_FP32A');
    await page.getByLabel('or give addresses the server fetches').fill('ftp://example.org/none.fits');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    // Refused in the server's own words: no such scheme.
    await page.locator('.images .failed .fault').waitFor();
    await page.getByRole('button', { name: 'Remove ftp://example.org/none.fits' }).click();
    await drop(page.locator('.drop'), [{ name: 'a.fits', bytes: await field(await tempDir(t), 256) }]);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('link', { name: 'Open the job' }).click();
    const facts = page.getByRole('region', { name: 'About this job' });
    await facts.getByText('150.11916667,-30.5,64,32').waitFor();
    await facts.getByText('BF16C_FP32A').first().waitFor();
    assert.deepEqual(
      faults.filter((fault) => !fault.includes('status of 4')),
      [],
    );
  });

  it('says why a job failed, runs it again with changes, and deletes it', async (t) => {
    const server = await startTestServer(t);
    const { page } = await visit(t, server.url);
    await drop(page.locator('.drop'), [{ name: 'noise.fits', bytes: await field(await tempDir(t), 256) }]);
    await page.getByRole('group', { name: 'BOX' }).getByLabel('X (pixel)').fill('5000');
    for (const name of ['Y', 'W', 'H'])
      await page.getByRole('group', { name: 'BOX' }).getByLabel(`${name} (pixel)`).fill('64');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('link', { name: 'Open the job' }).click();
    const about = page.getByRole('region', { name: 'About this job' });
    await about.locator('.fault').waitFor();
    assert.match((await about.locator('.fault').textContent()) ?? '', /region|outside/i);
    // A slow line: nothing can be typed before what the job was given is there, and would take its place.
    let letThrough = () => {};
    const held = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    await page.route(/\/uws\/\w+$/, async (asked) => {
      await held;
      await asked.continue();
    });
    await page.getByRole('link', { name: /Rerun noise.fits/ }).click();
    await page.getByText('Reading what the job was given').waitFor();
    const box = page.getByRole('group', { name: 'BOX' });
    assert.equal(await box.count(), 0);
    letThrough();
    assert.equal(await box.getByLabel('X (pixel)').inputValue(), '5000');
    await box.getByLabel('X (pixel)').fill('1');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.locator('.images .submitted').getByRole('link', { name: 'Open the job' }).nth(1).click();
    await page.locator('.job-head').getByText('completed').waitFor();
    await about.getByText('1,64,64,64').waitFor();
    page.on('dialog', (dialog) => dialog.accept());
    await page.getByRole('button', { name: /^Delete/ }).click();
    await page.waitForURL(/#\/jobs$/);
    await page.getByRole('row').filter({ hasText: 'error' }).waitFor();
    assert.equal(await page.getByRole('row').filter({ hasText: 'completed' }).count(), 0);
  });

  it('has results sent, says how far that is, and asks for no address again that it does not know whole', async (t) => {
    const sent: string[] = [];
    let isOpen = false;
    const store = await httpServer(t, (request, response) => {
      request.resume();
      if (isOpen) sent.push(request.url ?? '');
      response.writeHead(isOpen ? 201 : 503).end();
    });
    const server = await startTestServer(t, { env: { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' } });
    const { page } = await visit(t, server.url);
    await drop(page.locator('.drop'), [{ name: 'a.fits', bytes: await field(await tempDir(t), 256) }]);
    await page.getByText('More: priority').click();
    await page.getByLabel('Results to').fill(`${store}/a.vot?sign=secret`);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('link', { name: 'Open the job' }).click();
    const facts = page.getByRole('region', { name: 'About this job' });
    await facts.getByText('on their way').waitFor();
    isOpen = true;
    await facts.getByText('1 file', { exact: true }).waitFor();
    assert.deepEqual(sent, ['/a.vot?sign=secret']);
    await facts.getByText('/a.vot?***').waitFor();
    await page.getByRole('link', { name: /Rerun a.fits/ }).click();
    await page.getByText('More: priority').click();
    assert.equal(await page.getByLabel('Results to').inputValue(), '', 'an address that opens nothing');
  });

  it('aborts a running job, and shows one in the queue with its place', async (t) => {
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(await tempDir(t), kLongPx));
    const { page, faults } = await visit(t, `${server.url}/#/jobs`);
    const row = page.locator(`[data-job="${id}"]`);
    await row.getByText('executing').waitFor();
    await row.locator('progress').waitFor();
    await row.getByRole('button', { name: /^Abort/ }).click();
    await row.getByText('aborted').waitFor();
    assert.equal((await server.job(id)).phase, 'ABORTED');
    assert.deepEqual(faults, []);
  });

  it('shows what events told of a job also when a list that was asked for before comes later', async (t) => {
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(await tempDir(t), kLongPx));
    const { page, faults } = await visit(t, `${server.url}/#/jobs`);
    let letThrough = () => {};
    const held = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    let lists = 0;
    await page.route(/\/summaries\b/, async (asked) => {
      const response = await asked.fetch();
      await held;
      await asked.fulfill({ response });
      lists++;
    });
    const listening = page.waitForResponse(/\/events\b/);
    await page.reload();
    await listening;
    // Told of by events alone.
    await server.send(`/jobs/${id}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) });
    const row = page.locator(`[data-job="${id}"]`);
    await row.getByText('aborted').waitFor();
    letThrough();
    await until(() => lists > 0, 'no list comes', 30);
    await page.waitForTimeout(500);
    assert.match((await row.textContent()) ?? '', /aborted/);
    assert.deepEqual(faults, []);
  });

  it('goes on by itself after a restart of the server', async (t) => {
    // One that was chosen by the system cannot be taken again while connections of before are closing.
    const port = await freePort();
    const server = await startTestServer(t, { port });
    const dataDir = server.dataDir;
    await server.until(await server.submit({}, await field(await tempDir(t), 256)), 'COMPLETED');
    const { page } = await visit(t, `${server.url}/#/jobs`);
    await page.getByRole('row').filter({ hasText: 'completed' }).waitFor();
    await page.getByText('Live').waitFor();
    await server.stop();
    await page.getByText('Connection lost').waitFor();
    const next = await startTestServer(t, { dataDir, port });
    await page.getByText('Live').waitFor();
    const id = await next.submit({ RUNID: 'afterwards' }, await field(await tempDir(t), 256));
    await page.getByText('afterwards').waitFor();
    await page.locator(`[data-job="${id}"]`).getByText('completed').waitFor();
  });

  it('says so where an address names no job, or not two', async (t) => {
    const server = await startTestServer(t);
    const { page } = await visit(t, `${server.url}/#/jobs/%E0%A4%A`);
    await page.getByText('There is no job %E0%A4%A (any more).').waitFor();
    for (const address of ['compare', 'compare/a/b', 'compare?a=j1', 'compare?a=j1&b=j2']) {
      await page.goto(`${server.url}/#/${address}`);
      await page.getByRole('link', { name: 'Choose two completed jobs' }).waitFor();
    }
  });

  it('can be used by keyboard alone', async (t) => {
    const server = await startTestServer(t);
    await server.until(await server.submit({}, await field(await tempDir(t), 256)), 'COMPLETED');
    const { page } = await visit(t, server.url);
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    const tabTo = async (text: RegExp) => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press('Tab');
        if (text.test(await focused())) return;
      }
      assert.fail(`no way by keyboard to ${text}`);
    };
    await page.getByRole('heading', { name: 'New jobs' }).waitFor();
    await tabTo(/^Skip to content/);
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
    await page.reload();
    await page.getByRole('heading', { name: 'New jobs' }).waitFor();
    await tabTo(/^Jobs$/);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'field.fits', exact: true }).waitFor();
    await tabTo(/^field\.fits$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'About this job' }).waitFor();
    await tabTo(/^Rerun$/);
    await page.keyboard.press('Enter');
    await page.locator('.images li').waitFor();
  });

  for (const theme of ['light', 'dark'] as const) {
    it(`has no accessibility findings on a phone, ${theme}`, async (t) => {
      const server = await startTestServer(t);
      const id = await server.submit({}, await field(await tempDir(t), 256));
      await server.until(id, 'COMPLETED');
      for (const view of ['', '#/jobs', `#/jobs/${id}`]) {
        const visitor = await visit(t, `${server.url}/${view}`, { width: 390, height: 800, theme });
        await visitor.page.locator('h1').waitFor();
        await visitor.page.getByText('Live').waitFor();
        await assertSound(visitor, `${view || 'submit'} on a phone`);
        const wide = await visitor.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(wide, false, `${view || 'submit'} is wider than a phone`);
      }
    });
  }
});
