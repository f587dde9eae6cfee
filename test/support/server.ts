/** A real server process on a free port, with its own data folder, and the shortest way to talk to it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { native } from '#otf/engine/addon.js';
import { atEnd } from './endings.js';

const kProgram = fileURLToPath(new URL('../../../bin/cianna-otf.js', import.meta.url));
const kStartMs = 120_000;

export interface ServerOptions {
  env?: Record<string, string>;
  dataDir?: string;
  models?: string;
  /** Path of an otf.toml. */
  config?: string;
  /** Of a server that was here before; otherwise any free one. */
  port?: string;
  /** More of the command line. */
  args?: string[];
  /** Instead of this one: the root of a copy of the program (program-copy.ts). */
  root?: string;
  /** Whose process it is, and whose group's. */
  uid?: number;
}

export interface JobView {
  id: string;
  phase: string;
  startMs: number;
  endMs: number;
  error: string;
  /** otf: elements of jobInfo. */
  info: Record<string, string>;
  xml: string;
}

export class TestServer {
  readonly dataDir: string;
  readonly url: string;
  readonly child: ChildProcess;
  readonly log: string[];
  /** Of every request that has none of its own by that name. */
  headers: Record<string, string> = {};

  constructor(dataDir: string, url: string, child: ChildProcess, log: string[]) {
    this.dataDir = dataDir;
    this.url = url;
    this.child = child;
    this.log = log;
  }

  send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(this.headers)) if (!headers.has(name)) headers.set(name, value);
    return fetch(new URL(path, this.url), { redirect: 'manual', ...init, headers });
  }

  async text(path: string): Promise<string> {
    return (await this.send(path)).text();
  }

  /** POST of an image file (or of fields alone); started at once unless told otherwise. */
  async post(fields: Record<string, string>, image?: Buffer, headers: Record<string, string> = {}): Promise<Response> {
    const body = new FormData();
    for (const [name, value] of Object.entries({ PHASE: 'RUN', ...fields })) if (value !== '') body.append(name, value);
    if (image) body.append('IMAGE', new Blob([new Uint8Array(image)]), 'field.fits');
    return this.send('/jobs', { method: 'POST', body, headers });
  }

  async submit(fields: Record<string, string>, image?: Buffer, headers: Record<string, string> = {}): Promise<string> {
    const answer = await this.post(fields, image, headers);
    if (answer.status !== 303) throw new Error(`not accepted: ${answer.status} ${await answer.text()}`);
    return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
  }

  async job(id: string): Promise<JobView> {
    const xml = await (await this.send(`/jobs/${id}`, { headers: { accept: 'application/xml' } })).text();
    const of = (name: string) => new RegExp(`<uws:${name}[^>]*>([^<]*)<`).exec(xml)?.[1] ?? '';
    const info = Object.fromEntries([...xml.matchAll(/<otf:(\w+)>([^<]*)</g)].map(([, name, value]) => [name, value]));
    const time = (name: string) => (of(name) === '' ? Number.NaN : Date.parse(of(name)));
    const [phase, startMs, endMs] = [of('phase'), time('startTime'), time('endTime')];
    return { id, phase, startMs, endMs, error: of('message'), info, xml };
  }

  /** Waits for one of the phases; throws when the job ends in another. */
  async until(id: string, ...phases: string[]): Promise<JobView> {
    const end = Date.now() + 120_000;
    for (;;) {
      const job = await this.job(id);
      if (phases.includes(job.phase)) return job;
      if (['COMPLETED', 'ERROR', 'ABORTED'].includes(job.phase) || Date.now() > end) {
        throw new Error(`job ${id} is ${job.phase} (${job.error}), not ${phases.join(' or ')}`);
      }
      await pause(15);
    }
  }

  /** Process ids of the engines and readers that any thread of this server has started and that live. */
  engines(): Promise<number[]> {
    return this.#children('otf-engine');
  }

  /** Of its own broker. */
  brokers(): Promise<number[]> {
    return this.#children('nats-server');
  }

  readers(): Promise<number[]> {
    return this.#children('otf-reader');
  }

  async #children(name: string): Promise<number[]> {
    const listed = promisify(execFile)('ps', ['--ppid', String(this.child.pid), '-o', 'pid=,stat=,comm=']);
    const { stdout } = await listed.catch((thrown) => {
      if (thrown.code === 1) return { stdout: '' }; // it has none
      throw thrown;
    });
    const living = stdout.split('\n').filter((line) => line.includes(name) && !/^\s*\d+ Z/.test(line));
    return living.map((line) => Number.parseInt(line, 10));
  }

  async resources(): Promise<{ rssMb: number; descriptors: number }> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8');
    const rssMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    return { rssMb, descriptors: (await readdir(`/proc/${this.child.pid}/fd`)).length };
  }

  /** The exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const ended = new Promise<number | string | null>((resolve) => {
      this.child.once('exit', (code, by) => resolve(code ?? `${by}: ${this.log.slice(-3).join(' ')}`));
    });
    this.child.kill(signal);
    return ended;
  }
}

export async function startTestServer(t: TestContext, options: ServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await tempDir(t));
  const program = options.root === undefined ? kProgram : join(options.root, 'bin/cianna-otf.js');
  const args = [program, 'serve', '--port', options.port ?? '0', '--data-dir', dataDir];
  args.push(...(options.args ?? []));
  if (options.models !== undefined) args.push('--models', options.models);
  if (options.config !== undefined) args.push('--config', options.config);
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const log: string[] = [];
  child.stderr.on('data', (data) => log.push(String(data)));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server does not start: ${log.join('')}`)), kStartMs);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${log.join('')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      const listening = /"url":"([^"]+)".*"msg":"listening"/.exec(line)?.[1];
      if (listening === undefined) return;
      clearTimeout(timer);
      resolve(listening);
    });
  });
  const server = new TestServer(dataDir, url, child, log);
  atEnd(t, () => server.stop('SIGKILL'));
  return server;
}

export async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'otf-server-'));
  atEnd(t, () => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** A simulated field as the bytes of a FITS file. */
export async function field(dir: string, sizePx: number, seed = 1): Promise<Buffer> {
  const output = join(dir, `field-${sizePx}-${seed}.fits`);
  await native().simulate({ output, sizePx, density: 0.001, noise: 4e-7, seed });
  return readFile(output);
}

/** Ports that connections get by themselves begin here on this machine; below, none does while a server is away for a moment. */
const kOwnPorts = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);
const kFirstPort = 10_000;

/** A port nobody has at this moment, and nobody gets by chance afterwards. */
export async function freePort(): Promise<string> {
  for (;;) {
    const some = kFirstPort + Math.floor(Math.random() * (kOwnPorts - kFirstPort));
    // Where there are none of these it is any.
    const port = await listened(kOwnPorts > kFirstPort ? some : 0);
    if (port !== undefined) return String(port);
  }
}

/** Undefined: somebody has it. */
async function listened(port: number): Promise<number | undefined> {
  const server = createServer();
  const found = await new Promise<number | undefined>((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return found;
}

/** Is there a process of that id, a zombie too? */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
