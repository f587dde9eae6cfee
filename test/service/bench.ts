/** A server in this process on a free port of loopback, with its own data folder, and the shortest way to talk to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { type ConfigSources, loadConfig } from '#otf/config/load.js';
import { type RunningServer, startServer } from '#otf/http/server.js';
import { atEnd } from '../support/endings.js';
import { FakeExecutor, type FakeOptions } from './fake-executor.js';

export interface Bench {
  server: RunningServer;
  executor: FakeExecutor;
  dataDir: string;
  url: string;
  /** Lines of the server's log that are errors. */
  errors: string[];
  /** All of its lines, and what the audit ones say. */
  lines: string[];
  audit: Record<string, unknown>[];
  /** Of every request that has none of its own by that name. */
  headers: Record<string, string>;
  /** Never follows redirects; path or absolute URL. */
  send: (path: string, init?: RequestInit) => Promise<Response>;
  text: (path: string, init?: RequestInit) => Promise<string>;
  /** POST of a form; gives the answer. */
  form: (path: string, fields: Record<string, string> | [string, string][]) => Promise<Response>;
  /** Create a job with an uploaded image; gives its id. */
  create: (fields?: Record<string, string>) => Promise<string>;
  createLegacy: (xml?: string) => Promise<string>;
  phase: (id: string) => Promise<string>;
  until: (id: string, phase: string) => Promise<void>;
}

type Flags = NonNullable<ConfigSources['flags']>;

/** Of pino's levels. */
const kError = 50;

export { kCatalogue } from './fake-executor.js';

export const kImage = Buffer.from(`SIMPLE  =                    T${' '.repeat(2851)}`, 'latin1');

export async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'otf-service-'));
  // The server of the test may be writing still.
  atEnd(t, () => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

export async function bench(t: TestContext, fake: FakeOptions = {}, flags: Flags = {}, reuse?: string): Promise<Bench> {
  const dataDir = reuse ?? (await tempDir(t));
  const config = await loadConfig({
    flags: {
      ...flags,
      server: { port: 0, ...flags.server },
      storage: { ...flags.storage, data_dir: dataDir },
      logging: { level: 'silent' },
    },
  });
  const executor = new FakeExecutor(fake);
  const errors: string[] = [];
  const lines: string[] = [];
  const audit: Record<string, unknown>[] = [];
  const write = (line: string) => {
    lines.push(line);
    const { level, audit: event } = JSON.parse(line) as { level: number; audit?: Record<string, unknown> };
    if (level >= kError) errors.push(line);
    if (event) audit.push(event);
  };
  const log = pino({ level: 'info' }, { write });
  const server = await startServer({ config, executor, log });
  atEnd(t, () => server.stop());
  const headers: Record<string, string> = {};
  return { server, executor, dataDir, url: server.url, errors, lines, audit, headers, ...calls(server, headers) };
}

function calls(server: RunningServer, always: Record<string, string>) {
  const send = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(always)) if (!headers.has(name)) headers.set(name, value);
    return fetch(new URL(path, server.url), { redirect: 'manual', ...init, headers });
  };
  const text = async (path: string, init?: RequestInit) => (await send(path, init)).text();
  const form = (path: string, fields: Record<string, string> | [string, string][]) =>
    send(path, { method: 'POST', body: new URLSearchParams(fields) });
  const idOf = async (response: Response) => {
    if (response.status !== 303) throw new Error(`not created: ${response.status} ${await response.text()}`);
    return (response.headers.get('location') ?? '').split('/').pop() ?? '';
  };
  const create = async (fields: Record<string, string> = {}) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append('IMAGE', new Blob([kImage], { type: 'application/fits' }), 'field.fits');
    return idOf(await send('/jobs', { method: 'POST', body }));
  };
  const createLegacy = async (xml = kLegacyXml) => {
    return idOf(await send('/jobs/', { method: 'POST', body: legacyBody(xml) }));
  };
  const phase = (id: string) => text(`/jobs/${id}/phase`);
  const until = async (id: string, wanted: string) => {
    const end = Date.now() + 60_000; // on a busy machine
    for (let now = await phase(id); now !== wanted; now = await phase(id)) {
      if (Date.now() > end) throw new Error(`job is ${now}, not ${wanted}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { send, text, form, create, createLegacy, phase, until };
}

/** As little as the client of 2025-12 can write. */
export const kLegacyXml = '<job><phase>QUEUING</phase><parameters/></job>';

export function legacyBody(xml: string): FormData {
  const body = new FormData();
  body.append('xml', new Blob([xml], { type: 'application/xml' }), 'parameters.xml');
  body.append('fits', new Blob([kImage], { type: 'application/octet-stream' }), 'image.fits');
  return body;
}
