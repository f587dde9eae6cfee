/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The picture on the page in a real browser: linked with the table, read under the pointer, a region drawn is the region sent. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { assertSound, closeBrowser, drop, kNoChromium, visit } from './support/browser.js';
import { inFrame, kSide, pixelShown, pointAt, until, withJob } from './support/page-sky.js';
import { field, startTestServer, tempDir } from './support/server.js';

describe('The page: a picture of the sky', { skip: kNoChromium }, () => {
  after(closeBrowser);

  it('shows the source that is chosen in the table, its values on hover, and chooses in the table what is clicked', async (t) => {
    const { server, id } = await withJob(t);
    const visitor = await visit(t, `${server.url}/#/jobs/${id}`);
    const { page } = visitor;
    await page.locator('.sky-frame canvas').first().waitFor();
    const row = page.locator('.grid-body .grid-row').nth(3);
    const name = await row.locator('.cell').first().textContent();
    await row.click();
    await until('the chosen source comes to the middle', async () => {
      await pointAt(page, 1, 1);
      await pointAt(page, 0, 0);
      return (
        (await page
          .locator('.hover')
          .textContent({ timeout: 1000 })
          .catch(() => '')) ?? ''
      ).includes(name ?? 'none');
    });
    await page.locator('.grid-body .grid-row').first().click();
    await until('another one comes to the middle', async () => {
      await pointAt(page, 1, 1);
      await pointAt(page, 0, 0);
      return !(
        (await page
          .locator('.hover')
          .textContent({ timeout: 1000 })
          .catch(() => name)) ?? ''
      ).includes(name ?? '');
    });
    const other = await page.locator('.hover dd').first().textContent();
    await page.locator('.grid-body .grid-row').nth(5).locator('.cell').first().hover();
    const { x, y } = await inFrame(page);
    await page.mouse.click(x, y);
    await page
      .locator('.grid-row.chosen')
      .filter({ hasText: other?.trim() ?? 'none' })
      .waitFor();
    // The buttons over the picture choose nothing of what lies below them.
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.getByRole('button', { name: 'All of the image' }).click();
    await page
      .locator('.grid-row.chosen')
      .filter({ hasText: other?.trim() ?? 'none' })
      .waitFor();
    await assertSound(visitor, 'a picture with its catalogue');
  });

  it('hides from the picture what a slider cuts off', async (t) => {
    const { server, id } = await withJob(t);
    const { page } = await visit(t, `${server.url}/#/jobs/${id}`);
    await page.locator('.grid-body .grid-row').last().waitFor();
    await page.getByRole('grid').focus();
    await page.keyboard.press('End');
    await until('the last source comes to the middle', async () => {
      await pointAt(page, 1, 1);
      await pointAt(page, 0, 0);
      return (await page.locator('.hover').count()) > 0;
    });
    await page.getByLabel('Lowest objectness, as a number').fill('0.9');
    await page.getByLabel('Lowest objectness, as a number').press('Enter');
    await page.getByText(/^\d+ of \d+ sources$/).waitFor();
    await until('nothing is there any more', async () => {
      await pointAt(page, 1, 1);
      await pointAt(page, 0, 0);
      return (await page.locator('.hover').count()) === 0;
    });
  });

  it('says position and value under the pointer as the server does, and paints as it is told', async (t) => {
    const { server, id } = await withJob(t);
    const visitor = await visit(t, `${server.url}/#/jobs/${id}`);
    const { page } = visitor;
    await page.locator('.sky-frame canvas').first().waitFor();
    await until('the picture is there', async () => {
      await pointAt(page, 37, 21);
      await pointAt(page, 38, 22);
      return (await page.locator('.readout').getByText('ICRS').count()) > 0;
    });
    const { x, y } = await pixelShown(page);
    const told = (await (await server.send(`/jobs/${id}/image/pixel?X=${x}&Y=${y}`)).json()) as {
      value: number;
      sky: { raDeg: number; decDeg: number };
    };
    await page
      .locator('.readout')
      .getByText(/Jy\/beam/)
      .waitFor();
    const [, position = '', value = ''] = await page.locator('.readout span').allTextContents();
    const sexagesimal = (text: string) => {
      const [whole = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, '').split(':').map(Number);
      return (text.startsWith('-') ? -1 : 1) * (whole + minutes / 60 + seconds / 3600);
    };
    const [ra = '', dec = ''] = position.split(' ');
    // A tenth of a pixel of 0.6 arcsec is what x and y are shown to; digits of the position add as much.
    assert.ok(Math.abs(sexagesimal(ra) * 15 - told.sky.raDeg) < 0.2 / 3600, `${position} ${told.sky.raDeg}`);
    assert.ok(Math.abs(sexagesimal(dec) - told.sky.decDeg) < 0.15 / 3600, `${position} ${told.sky.decDeg}`);
    assert.ok(Math.abs(Number.parseFloat(value) - told.value) <= Math.abs(told.value) * 1e-4, `${value} ${told.value}`);
    const painted = page.waitForRequest((request) => /\/tiles\/.*COLOUR=viridis/.test(request.url()));
    await page.getByLabel('Colour').selectOption('viridis');
    await painted;
    const cut = page.waitForRequest((request) => /CUTS=0%2C1e-5/.test(request.url()));
    await page.getByRole('button', { name: 'Values' }).click();
    await page.getByLabel('Lowest, highest').fill('0,1e-5');
    await page.getByRole('button', { name: 'Apply' }).click();
    await cut;
    await page.getByRole('button', { name: 'Grid' }).click();
    await page.getByLabel('Draw as').selectOption('ellipses');
    await assertSound(visitor, 'a picture, painted');
  });

  it('sends the region that was drawn, to the pixel, with its centre shown', async (t) => {
    const server = await startTestServer(t);
    const visitor = await visit(t, server.url);
    const { page } = visitor;
    await drop(page.locator('.drop'), [{ name: 'field.fits', bytes: await field(await tempDir(t), kSide, 3) }]);
    await page.getByRole('button', { name: 'Look at field.fits' }).click();
    await page.locator('.preview .sky-frame').scrollIntoViewIfNeeded();
    const corners: { x: number; y: number }[] = [];
    for (const [right, down] of [
      [-60, 50],
      [75, -40],
    ] as const) {
      await until('the picture is there', async () => {
        await pointAt(page, right - 1, down);
        await pointAt(page, right, down);
        return (await page.locator('.readout').getByText('ICRS').count()) > 0;
      });
      corners.push(await pixelShown(page));
    }
    await page.getByRole('button', { name: 'Draw region' }).click();
    await pointAt(page, -60, 50);
    await page.mouse.down();
    await pointAt(page, 0, 0);
    await pointAt(page, 75, -40);
    await page.mouse.up();
    const [a, b] = corners.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) }));
    assert.ok(a && b);
    const drawn = [a.x, a.y, b.x - a.x + 1, b.y - a.y + 1].join(',');
    await page.getByText(`Region: pixels ${drawn}`).waitFor();
    const told = (await (await page.request.get(await firstUpload(page, `/region?BOX=${drawn}`))).json()) as {
      centre: { ra: string; dec: string };
    };
    await page.getByText(`centre ${told.centre.ra} ${told.centre.dec}`).waitFor();
    await assertSound(visitor, 'a preview');
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('link', { name: 'Open the job' }).click();
    await page.locator('.job-head').getByText('completed').waitFor();
    await page.getByRole('region', { name: 'About this job' }).getByText(drawn, { exact: true }).waitFor();
    const [id = ''] = /j[0-9a-f]{32}/.exec(page.url()) ?? [];
    assert.match((await server.job(id)).xml, new RegExp(`<uws:parameter id="BOX">${drawn}<`));
  });

  it('shows the region that is typed, and says when it lies outside', async (t) => {
    const server = await startTestServer(t);
    const { page } = await visit(t, server.url);
    await drop(page.locator('.drop'), [{ name: 'field.fits', bytes: await field(await tempDir(t), kSide, 3) }]);
    await page.getByRole('button', { name: 'Look at field.fits' }).click();
    const box = page.getByRole('group', { name: 'BOX' });
    for (const [name, value] of [
      ['X', '11'],
      ['Y', '21'],
      ['W', '100'],
      ['H', '50'],
    ] as const)
      await box.getByLabel(`${name} (pixel)`).fill(value);
    await page.getByText('Region: pixels 11,21,100,50').waitFor();
    await box.getByLabel('X (pixel)').fill('9000');
    await page.locator('.region .fault').waitFor();
    await page.getByLabel('X (pixel)').fill('11');
    await page.getByRole('button', { name: 'Whole image' }).click();
    await until('the form is empty', async () => (await box.getByLabel('W (pixel)').inputValue()) === '');
  });

  it('says what is wrong with a file that is no image, and submits it no worse than before', async (t) => {
    const server = await startTestServer(t);
    const { page } = await visit(t, server.url);
    await drop(page.locator('.drop'), [{ name: 'bad.fits', bytes: Buffer.from('this is no FITS file'.repeat(400)) }]);
    await page.getByRole('button', { name: 'Look at bad.fits' }).click();
    await page.locator('.preview .empty').getByText(/FITS/).waitFor();
  });

  it('draws how a result came to be, compares two catalogues, and shows the server', async (t) => {
    const { server, id } = await withJob(t);
    const half = await server.submit({ IMAGE: `job:${id}/IMAGE`, BOX: `1,1,${kSide},${kSide / 2}` });
    await server.until(half, 'COMPLETED');
    const visitor = await visit(t, `${server.url}/#/jobs/${id}`);
    const { page } = visitor;
    const drawing = page.getByRole('region', { name: 'Drawing of the provenance' });
    await drawing.locator('.node.activity').first().waitFor();
    assert.match((await drawing.textContent()) ?? '', /field\.fits.*weights\.dat/s);
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    for (const box of await page.getByRole('checkbox').all()) await box.check();
    await page.getByRole('link', { name: 'Compare the two' }).click();
    await page.getByRole('heading', { name: 'Two catalogues' }).waitFor();
    const text = (await page.locator('.kept').textContent()) ?? '';
    const [both = 0, onlyA = 0, onlyB = 0] = text.match(/\d+/g)?.map(Number) ?? [];
    const count = async (job: string) =>
      Number(/<otf:sourcesFound>(\d+)</.exec((await server.job(job)).xml)?.[1] ?? Number.NaN);
    const counts = [await count(id), await count(half)].sort((m, n) => m - n);
    assert.deepEqual(
      [both + onlyA, both + onlyB].sort((m, n) => m - n),
      counts,
    );
    assert.ok(both > (counts[0] ?? 0) * 0.8, text);
    await assertSound(visitor, 'a comparison');
    await page.getByRole('link', { name: 'Server', exact: true }).click();
    await page
      .getByText(/demo-continuum\/FP32C_FP32A/)
      .first()
      .waitFor();
    await assertSound(visitor, 'the server');
  });
});

async function firstUpload(page: Page, rest: string): Promise<string> {
  const urls = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  const base = urls.map((url) => /^(.*\/uploads\/[^/]+\/image)/.exec(url)?.[1]).find((url) => url !== undefined);
  return `${base}${rest}`;
}
