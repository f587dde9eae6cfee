/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The catalogue on the page in a real browser: order, limits, what is downloaded, rows by keyboard, the ways to elsewhere. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { assertSound, closeBrowser, kNoChromium, type Visit, visit } from './support/browser.js';
import { atEnd } from './support/endings.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';

interface Source {
  source_id: string;
  flux: number;
  objectness: number;
}

interface Catalogued {
  server: TestServer;
  id: string;
  sources: Source[];
}

async function catalogued(t: TestContext): Promise<Catalogued> {
  const server = await startTestServer(t);
  const id = await server.submit({}, await field(await tempDir(t), 512, 3));
  await server.until(id, 'COMPLETED');
  const document = await (await server.send(`/jobs/${id}/results/result?RESPONSEFORMAT=json`)).json();
  return { server, id, sources: (document as { sources: Source[] }).sources };
}

async function firstCells({ page }: Visit): Promise<string[]> {
  await page.locator('.grid-body .grid-row').first().waitFor();
  return page
    .locator('.grid-body .grid-row')
    .evaluateAll((rows) =>
      rows
        .sort((a, b) => Number(a.ariaRowIndex) - Number(b.ariaRowIndex))
        .map((row) => row.querySelector('.cell')?.textContent ?? ''),
    );
}

async function downloaded({ page }: Visit, format: string): Promise<{ name: string; bytes: Buffer }> {
  await page.getByLabel('Format of the download').selectOption(format);
  const saving = page.waitForEvent('download');
  await page.getByRole('link', { name: /^Download \d+ sources$/ }).click();
  const saved = await saving;
  return { name: saved.suggestedFilename(), bytes: await readFile(await saved.path()) };
}

describe('The page: a catalogue', { skip: kNoChromium }, () => {
  after(closeBrowser);

  it('orders by a column, up and down, and says so to screen readers', async (t) => {
    const { server, id, sources } = await catalogued(t);
    const visitor = await visit(t, `${server.url}/#/jobs/${id}`);
    const { page } = visitor;
    assert.equal((await firstCells(visitor))[0], sources[0]?.source_id);
    const byFlux = [...sources].sort((a, b) => a.flux - b.flux).map((source) => source.source_id);
    await page.getByRole('button', { name: /^flux/ }).click();
    assert.deepEqual((await firstCells(visitor)).slice(0, 5), byFlux.slice(0, 5));
    await page.getByRole('button', { name: /^flux/ }).click();
    assert.deepEqual((await firstCells(visitor)).slice(0, 5), byFlux.reverse().slice(0, 5));
    assert.equal(await page.getByRole('columnheader', { name: /^flux/ }).getAttribute('aria-sort'), 'descending');
    await assertSound(visitor, 'a catalogue');
  });

  it('cuts table and download with one slider, to the row', async (t) => {
    const { server, id, sources } = await catalogued(t);
    const visitor = await visit(t, `${server.url}/#/jobs/${id}`);
    const { page } = visitor;
    await page.getByLabel('Lowest objectness, as a number').fill('0.8');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    const kept = sources.filter(({ objectness }) => objectness >= 0.8);
    assert.ok(kept.length > 0 && kept.length < sources.length);
    await page.getByText(`${kept.length} of ${sources.length} sources`).waitFor();
    assert.equal(await page.getByRole('grid').getAttribute('aria-rowcount'), String(kept.length + 1));
    const names = kept.map((source) => source.source_id);
    const csv = await downloaded(visitor, 'csv');
    assert.match(csv.name, /-filtered\.csv$/);
    const lines = csv.bytes.toString().trim().split('\r\n').slice(1);
    assert.deepEqual(
      lines.map((line) => line.split(',')[0]),
      names,
    );
    const votable = (await downloaded(visitor, 'votable')).bytes.toString();
    assert.equal(votable.match(/<TR>/g)?.length, kept.length);
    assert.match(votable, /name="filtered_by" value="objectness from 0.8 to \+Inf"/);
    const fits = (await downloaded(visitor, 'fits')).bytes.toString('latin1');
    assert.match(fits.slice(fits.indexOf('XTENSION')), new RegExp(`NAXIS2 {2}= +${kept.length} `));
    const regions = (await downloaded(visitor, 'reg')).bytes.toString();
    assert.equal(regions.match(/text=\{S\d+\}/g)?.length, kept.length);
    const formats = await page.getByLabel('Format of the download').locator('option').allTextContents();
    assert.deepEqual(formats, ['votable', 'votable-binary2', 'votable-1.5', 'fits', 'csv', 'json', 'reg']);
    // What is sent to other programs and copied is the same.
    const snippet = await page.locator('.copyable', { hasText: 'curl' }).first().locator('pre').textContent();
    const copied = await server.text(/'([^']+)'/.exec(snippet ?? '')?.[1] ?? '');
    assert.equal(copied.match(/<TR>/g)?.length, kept.length);
    // The slider itself, by keyboard.
    const slider = page.getByLabel('Lowest objectness', { exact: true });
    await slider.focus();
    await page.keyboard.press('Home');
    await page.getByText(`${sources.length} sources`, { exact: true }).first().waitFor();
    await page.keyboard.press('End');
    await page.getByText(`1 of ${sources.length} sources`).waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    assert.equal(await page.getByRole('grid').getAttribute('aria-rowcount'), String(sources.length + 1));
    assert.deepEqual(visitor.faults, []);
  });

  it('moves through the rows by keyboard', async (t) => {
    const { server, id, sources } = await catalogued(t);
    const { page } = await visit(t, `${server.url}/#/jobs/${id}`);
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const chosen = page.locator('.grid-row.chosen');
    await chosen.filter({ hasText: sources[1]?.source_id ?? 'none' }).waitFor();
    await page.keyboard.press('End');
    await chosen.filter({ hasText: sources.at(-1)?.source_id ?? 'none' }).waitFor();
    assert.equal(await chosen.getAttribute('id'), await page.getByRole('grid').getAttribute('aria-activedescendant'));
  });

  it('sends the table to a SAMP hub when asked to, and says so when there is none', async (t) => {
    const { server, id } = await catalogued(t);
    const { page, foreign } = await visit(t, `${server.url}/#/jobs/${id}`);
    await page.getByRole('button', { name: 'Send by SAMP' }).waitFor();
    assert.deepEqual(foreign, []);
    const calls: string[] = [];
    const hub = createServer((request, response) => {
      const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'content-type' };
      let body = '';
      request.on('data', (data) => {
        body += data;
      });
      request.on('end', () => {
        if (request.method === 'POST') calls.push(body);
        const key = '<member><name>samp.private-key</name><value>k1</value></member>';
        const answer = `<methodResponse><params><param><value><struct>${key}</struct></value></param></params></methodResponse>`;
        response.writeHead(200, cors).end(answer);
      });
    });
    const listening = await new Promise<boolean>((resolve) => {
      hub.once('error', () => resolve(false));
      hub.listen(21012, '127.0.0.1', () => resolve(true));
    });
    if (!listening) return t.skip('somebody listens on the port of SAMP hubs');
    atEnd(t, () => hub.close());
    await page.getByRole('button', { name: 'Send by SAMP' }).click();
    await page.getByText('sent to the SAMP hub').waitFor();
    assert.match(calls[0] ?? '', /samp\.webhub\.register/);
    const sent = calls.find((call) => call.includes('notifyAll')) ?? '';
    assert.match(sent, /table\.load\.votable/);
    assert.ok(sent.includes(`${server.url}/jobs/${id}/results/result?RESPONSEFORMAT=votable`), sent);
    assert.match(calls.at(-1) ?? '', /unregister/);
    hub.closeAllConnections();
    await new Promise((resolve) => hub.close(resolve));
    await page.getByRole('button', { name: 'Send by SAMP' }).click();
    await page.getByText(/no SAMP hub answers/).waitFor();
    return undefined;
  });

  it('opens the image in the programs the server names, and a place in Aladin Lite', async (t) => {
    const config = join(await tempDir(t), 'otf.toml');
    const carta = 'https://carta.example.org/?folder={folder}&file={file}';
    const programs = `CARTA = "${carta}"\nJS9 = "https://js9.example.org/?url={url}"\n`;
    await writeFile(config, `[pictures.open_in]\n${programs}`);
    const server = await startTestServer(t, { config });
    const bytes = await field(await tempDir(t), 256, 3);
    const id = await server.submit({}, bytes);
    await server.until(id, 'COMPLETED');
    const visitor = await visit(t, `${server.url}/#/jobs/${id}`);
    const { page } = visitor;
    const address = async (name: string) =>
      new URL((await page.getByRole('link', { name }).getAttribute('href')) ?? 'none:');
    const { searchParams } = await address('Open in CARTA');
    assert.deepEqual(await readFile(join(searchParams.get('folder') ?? '', searchParams.get('file') ?? '')), bytes);
    const url = (await address('Open in JS9')).searchParams.get('url') ?? '';
    assert.deepEqual(Buffer.from(await (await server.send(url)).arrayBuffer()), bytes);
    assert.match((await address('Aladin Lite here')).searchParams.get('target') ?? '', /^\d+\.\d+ [-\d.]+$/);
    await assertSound(visitor, 'a job with links to elsewhere');
  });

  it('gives snippets that work: curl and the command line', async (t) => {
    const { server, id } = await catalogued(t);
    const { page } = await visit(t, `${server.url}/#/jobs/${id}`);
    const curl = await page.locator('.copyable', { hasText: 'curl' }).first().locator('pre').textContent();
    const url = /'([^']+)'/.exec(curl ?? '')?.[1] ?? '';
    assert.match(await server.text(url), /<VOTABLE/);
    const command = await page.locator('.copyable', { hasText: 'Command line' }).locator('pre').textContent();
    assert.match(command ?? '', new RegExp(`results ${id} --server ${server.url}`));
  });
});
