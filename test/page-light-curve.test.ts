/// <reference lib="dom" />
/** The page of a reconstruction: frames of the cube by a slider, the light curve of the source that is looked at. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assertSound, closeBrowser, kNoChromium, visit } from './support/browser.js';
import { kRoot } from './support/cli.js';
import { pause, startTestServer } from './support/server.js';

describe('The page: a cube in time', { skip: kNoChromium }, () => {
  after(closeBrowser);

  it('has a slider of frames and the light curve of a source', async (t) => {
    const server = await startTestServer(t);
    const body = new FormData();
    for (const [name, value] of Object.entries({ MODEL: 'demo-transients', METHOD: 'clean-bank', PHASE: 'RUN' }))
      body.append(name, value);
    for (const [name, file] of Object.entries({ IMAGE: 'dirty', PSF: 'psf', TRUTH: 'truth' })) {
      const bytes = readFileSync(join(kRoot, `examples/transients/${file}.fits`));
      body.append(name, new Blob([new Uint8Array(bytes)]), `${file}.fits`);
    }
    const answer = await server.send('/jobs', { method: 'POST', body });
    const id = (answer.headers.get('location') ?? '').split('/').pop() ?? '';
    await server.until(id, 'COMPLETED');
    const visitor = await visit(t, `${server.url}/#/jobs/${id}`);
    const { page } = visitor;
    await page.locator('.sky-frame canvas').first().waitFor();
    const slider = page.getByRole('slider', { name: 'Plane' });
    await slider.fill('12');
    const plane = page.getByRole('spinbutton', { name: 'Plane' });
    for (let looks = 0; (await plane.inputValue()) !== '12' && looks < 600; looks += 1) await pause(50);
    assert.equal(await plane.inputValue(), '12');
    assert.equal(await slider.getAttribute('max'), '31');

    // The reconstruction beside the dirty cube: the same frame of it; a map has one.
    const choice = page.getByRole('combobox', { name: 'Picture', exact: true });
    const painted = page.waitForRequest(/tiles.*RESULT=reconstructed.*PLANE=12/);
    await choice.selectOption('reconstructed');
    await painted;
    assert.equal(await plane.inputValue(), '12');
    const moved = page.waitForRequest(/tiles.*RESULT=reconstructed.*PLANE=20/);
    await slider.fill('20');
    await moved;
    await choice.selectOption('snr_max');
    await slider.waitFor({ state: 'detached' });
    await choice.selectOption('');
    await slider.waitFor();

    await page.getByText('Point at a source, in the picture or the table.').waitFor();
    await page.locator('.grid-body .grid-row').nth(1).click();
    await page.getByRole('heading', { name: 'Light curve of S0002' }).waitFor();
    await page.getByRole('img', { name: /^Light curve of S0002.*, the dashed one the truth/ }).waitFor();
    await page.getByText('Dashed: the truth of the simulation.').waitFor();
    await page.locator('.grid-body .grid-row').nth(0).hover();
    await page.getByRole('heading', { name: 'Light curve of S0001' }).waitFor();
    await page.getByRole('img', { name: /^Light curve of S0001/ }).waitFor();
    await assertSound(visitor, 'a reconstruction');
  });
});
