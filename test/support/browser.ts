/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** A browser that uses the page as a person does, and notes whatever a person would call a fault of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { missingProgram } from './cli.js';
import { atEnd } from './endings.js';

const kChromium = '/usr/bin/chromium';
export const kNoChromium = missingProgram(kChromium, ['--version'], 'chromium');
const kAxe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** What waits for something on the page gives up then: machines that run tests may be slow. */
const kPatienceMs = 60_000;

export interface Visit {
  page: Page;
  /** Errors on the console, thrown in the page, and requests that failed; a violated policy is one of them. */
  faults: string[];
  /** Requests to anywhere but the server. */
  foreign: string[];
  /** Of the accessibility rules (WCAG 2.1 A and AA, best practices), in what is shown now. */
  violations: () => Promise<string[]>;
}

export interface VisitOptions {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  reducedMotion?: boolean;
  /** What somebody types when the browser asks who he is. */
  credentials?: { username: string; password: string };
}

let started: Promise<Browser> | undefined;

/** One browser for a test file; each visit has a profile of its own. Call once, from the outermost describe. */
export async function closeBrowser(): Promise<void> {
  await (await started)?.close();
  started = undefined;
}

export async function visit(t: TestContext, url: string, options: VisitOptions = {}): Promise<Visit> {
  // As root there is no sandbox; what is opened is our own page.
  started ??= chromium.launch({ executablePath: kChromium, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const { width = 1400, height = 900, theme = 'light', reducedMotion = false, credentials } = options;
  const context = await (await started).newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    acceptDownloads: true,
    ...(credentials === undefined ? {} : { httpCredentials: credentials }),
  });
  atEnd(t, () => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(kPatienceMs);
  const faults: string[] = [];
  const foreign: string[] = [];
  page.on('console', (message) => {
    // On a busy machine the stream of events breaks off, and the page connects again: that is no fault of it.
    if (message.type() === 'error' && !message.location().url.includes('/events'))
      faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL('/', url).href) && !request.url().startsWith('blob:'))
      foreign.push(request.url());
  });
  await page.goto(url);
  return { page, faults, foreign, violations: () => violationsOf(page) };
}

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
}

async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(kAxe, 'utf8'));
  const { violations } = (await page.evaluate('axe.run(document)')) as AxeResult;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}: ${failureSummary}`),
  );
}

/** Files dropped from outside onto `target`, as a file manager does it. */
export async function drop(target: Locator, files: { name: string; bytes: Buffer }[]): Promise<void> {
  const sent = files.map(({ name, bytes }) => ({ name, text: bytes.toString('base64') }));
  await target.evaluate((element, each) => {
    const transfer = new DataTransfer();
    for (const { name, text } of each) {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name));
    }
    for (const type of ['dragover', 'drop'])
      element.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, sent);
}

/** Nothing a person, a screen reader or an administrator would complain of. */
export async function assertSound({ faults, foreign, violations }: Visit, where: string): Promise<void> {
  assert.deepEqual(await violations(), [], `accessibility of ${where}`);
  assert.deepEqual(faults, [], `faults of ${where}`);
  assert.deepEqual(foreign, [], `requests to elsewhere from ${where}`);
}
