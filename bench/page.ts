/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * `bench page`: the page in a headless Chromium: how smoothly an image of 8192x8192 pixels pans, how long its tiles take, and
 * how a table of 100,000 rows scrolls. Drawing is done by the processor here, without a graphics card.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { print, type TableColumn, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { kShippedModelsDir } from '#otf/models/registry.js';
import { conditions, printConditions } from './conditions.js';
import { startBenchServer } from './host.js';

const kViews = 5;

interface PageOptions {
  size: number;
  rows: number;
  seconds: number;
}

export async function benchPage({ size, rows, seconds }: PageOptions): Promise<void> {
  printConditions(await conditions());
  const dir = await mkdtemp(join(tmpdir(), 'otf-bench-page-'));
  const server = await startBenchServer(join(dir, 'data'), kShippedModelsDir, {});
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const output = join(dir, 'field.fits');
    const addon = native();
    await addon.simulate({ output, sizePx: size, density: 0.0005, noise: 4e-7, seed: 7 });
    const id = await finishedJob(server.url, await readFile(output));
    const firstMs = await firstView(browser, server.url);
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    await page.route(/results\/result\?RESPONSEFORMAT=json/, (route) =>
      route.fulfill({ json: madeCatalogue(rows, size) }),
    );
    await page.goto(`${server.url}/#/jobs/${id}`);
    await page.locator('.sky-frame canvas').first().waitFor();
    await page.waitForTimeout(2000);
    const pan = await panned(page, seconds);
    const table = await scrolled(page, seconds);
    print(`first view after ${firstMs.toFixed(0)} ms, browser ${browser.version()}`);
    print(
      textTable(kColumns, [
        frameRow(`pan of ${size}x${size}, ${rows} marks`, pan.frames),
        frameRow(`scroll of ${rows} rows`, table),
      ]),
    );
    if (pan.tiles.length === 0) throw new Error('no tile was asked for: the picture did not move');
    print(
      `${pan.tiles.length} tiles: median ${at(pan.tiles, 0.5).toFixed(0)} ms, p95 ${at(pan.tiles, 0.95).toFixed(0)} ms`,
    );
  } finally {
    await browser.close();
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Milliseconds to the first view with nothing kept of the page, in a browser that has shown something: median of some. */
async function firstView(browser: Browser, url: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < kViews; round++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${url}/healthz/live`);
    const opened = performance.now();
    await page.goto(url);
    await page.locator('h1').waitFor();
    times.push(performance.now() - opened);
    await context.close();
  }
  return at(times, 0.5);
}

async function finishedJob(url: string, image: Buffer): Promise<string> {
  const body = new FormData();
  body.append('PHASE', 'RUN');
  body.append('IMAGE', new Blob([new Uint8Array(image)]), 'field.fits');
  const created = await fetch(new URL('/jobs', url), { method: 'POST', body, redirect: 'manual' });
  const id = (created.headers.get('location') ?? '').split('/').pop() ?? '';
  for (;;) {
    const phase = await (await fetch(new URL(`/jobs/${id}/phase`, url))).text();
    if (phase === 'COMPLETED') return id;
    if (phase === 'ERROR' || phase === 'ABORTED') throw new Error(`the job is ${phase}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Of so many rows exactly, evenly over the image. */
function madeCatalogue(rows: number, size: number): object {
  const column = (name: string, type: string, unit: string, ucd: string) => ({
    name,
    type,
    unit,
    ucd,
    description: name,
  });
  const sources = Array.from({ length: rows }, (_, row) => ({
    source_id: `S${row + 1}`,
    x: 1 + ((row * 7919) % size),
    y: 1 + ((row * 104_729) % size),
    width: 5 + (row % 7),
    height: 5 + (row % 5),
    objectness: 0.6 + (row % 400) / 1000,
    flux: 1e-6 * 10 ** ((row % 3000) / 1000),
  }));
  const columns = [
    column('source_id', 'text', '', 'meta.id;meta.main'),
    column('x', 'float', 'pixel', 'pos.cartesian.x;instr.det'),
    column('y', 'float', 'pixel', 'pos.cartesian.y;instr.det'),
    column('width', 'float', 'pixel', 'phys.size;instr.pixel'),
    column('height', 'float', 'pixel', 'phys.size;instr.pixel'),
    column('objectness', 'float', '', 'stat.probability'),
    column('flux', 'float', 'Jy', 'phot.flux.density;em.radio'),
  ];
  return { run: {}, columns, sources };
}

/** Dragged to and fro at full resolution, over tiles that were not there before. */
async function panned(page: Page, seconds: number): Promise<{ frames: number[]; tiles: number[] }> {
  const zoom = page.getByRole('button', { name: 'Zoom in' });
  for (let times = 0; times < 3; times++) await zoom.click();
  await page.waitForTimeout(3000);
  await page.evaluate(() => performance.clearResourceTimings());
  const box = await page.locator('.sky-frame').boundingBox();
  if (!box) throw new Error('there is no picture');
  await startFrames(page);
  const end = Date.now() + seconds * 1000;
  for (let turn = 0; Date.now() < end; turn++) {
    const [from, to] = turn % 4 < 2 ? [0.85, 0.15] : [0.15, 0.85];
    await page.mouse.move(box.x + box.width * from, box.y + box.height * from);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * to, box.y + box.height * (turn % 2 ? from : to), { steps: 30 });
    await page.mouse.up();
  }
  const frames = await endFrames(page);
  const tiles = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .filter(({ name }) => name.includes('/tiles/'))
      .map(({ duration }) => duration),
  );
  return { frames, tiles };
}

/** From the first row to the last and back, a screen or more with every frame. */
async function scrolled(page: Page, seconds: number): Promise<number[]> {
  await page.locator('.grid').scrollIntoViewIfNeeded();
  await startFrames(page);
  await page.evaluate(
    (ms) =>
      new Promise<void>((resolve) => {
        const grid = document.querySelector('.grid');
        const started = performance.now();
        const step = () => {
          const passed = (performance.now() - started) / ms;
          if (!grid || passed >= 1) return resolve();
          grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * (1 - Math.abs(2 * passed - 1));
          requestAnimationFrame(step);
          return undefined;
        };
        step();
      }),
    seconds * 1000,
  );
  return endFrames(page);
}

interface Watched {
  frameTimes?: number[];
}

async function startFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const times: number[] = [];
    (globalThis as Watched).frameTimes = times;
    const note = (time: number) => {
      times.push(time);
      if ((globalThis as Watched).frameTimes === times) requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
}

/** Milliseconds between frames. */
async function endFrames(page: Page): Promise<number[]> {
  const times = await page.evaluate(() => {
    const { frameTimes = [] } = globalThis as Watched;
    (globalThis as Watched).frameTimes = [];
    return frameTimes;
  });
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

const kColumns: TableColumn[] = [
  { title: '', align: 'left' },
  ...['frames', 'median ms', 'p95 ms', 'above 50 ms'].map((title) => ({ title })),
];

function frameRow(what: string, frames: number[]): string[] {
  const slow = frames.filter((each) => each > 50).length;
  return [what, String(frames.length), at(frames, 0.5).toFixed(1), at(frames, 0.95).toFixed(1), String(slow)];
}

function at(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
