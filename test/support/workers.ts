/** Servers with workers, as processes of their own, on Debian's nats-server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli } from './cli.js';
import { atEnd } from './endings.js';
import { freePort, type ServerOptions, startTestServer, type TestServer, tempDir } from './server.js';
import { until } from './until.js';

/** On a busy machine. */
const kStartS = 60;
const kProgram = fileURLToPath(new URL('../../../bin/cianna-otf.js', import.meta.url));

/** Undefined: there is a broker. */
export const kNoBroker = existsSync('/usr/sbin/nats-server') ? undefined : 'nats-server is not installed';

export interface Site {
  server: TestServer;
  options: ServerOptions;
}

/** Leases are short, so that a lost worker is noticed within a test's patience. */
export async function startSite(t: TestContext, env: Record<string, string> = {}, dataDir?: string): Promise<Site> {
  const options: ServerOptions = {
    port: await freePort(),
    env: { CIANNA_OTF_WORKERS_LISTEN: `127.0.0.1:${await freePort()}`, CIANNA_OTF_WORKERS_LEASE_S: '3', ...env },
    args: ['--with-broker'],
    ...(dataDir === undefined ? {} : { dataDir }),
  };
  const server = await startTestServer(t, options);
  return { server, options: { ...options, dataDir: server.dataDir } };
}

/** For workers that come from elsewhere (sites.ts): it listens at `address` of this machine, and they have a token, `env`. */
export async function startSiteAt(
  t: TestContext,
  address: string,
  more: Record<string, string> = {},
): Promise<Site & { env: Record<string, string>; again: () => Promise<TestServer> }> {
  const dataDir = await tempDir(t);
  const add = ['token', 'add', 'site', '--scope', 'read,write,work', '--data-dir', dataDir, '--json'];
  const { token } = JSON.parse(runCli(add, dataDir).stdout) as { token: string };
  const broker = `${address}:${await freePort()}`;
  const options: ServerOptions = {
    dataDir,
    port: await freePort(),
    env: { CIANNA_OTF_WORKERS_LISTEN: broker, CIANNA_OTF_WORKERS_LEASE_S: '3', ...more },
    args: ['--with-broker', '--host', address],
  };
  const again = async () => {
    const server = await startTestServer(t, options);
    server.headers.authorization = `Bearer ${token}`;
    return server;
  };
  return { server: await again(), options, env: { CIANNA_OTF_TOKEN: token }, again };
}

export class TestWorker {
  readonly name: string;
  readonly child: ChildProcess;
  readonly log: string[] = [];

  /** `site`: a network namespace (sites.ts); undefined = that of the test. */
  constructor(
    t: TestContext,
    server: TestServer,
    name: string,
    cache: string,
    env: Record<string, string> = {},
    site?: string,
  ) {
    this.name = name;
    const args = [process.execPath, kProgram, 'worker', '--server', server.url, '--name', name, '--cache', cache];
    const [program = '', ...rest] = site === undefined ? args : ['ip', 'netns', 'exec', site, ...args];
    this.child = spawn(program, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (data) => this.log.push(String(data)));
    atEnd(t, () => this.stop('SIGKILL'));
  }

  async ready(): Promise<this> {
    await until(
      () => {
        if (this.child.exitCode !== null) throw new Error(`the worker ended: ${this.log.join('')}`);
        return this.log.join('').includes('"msg":"working"');
      },
      `${this.name} does not work`,
      kStartS,
    );
    return this;
  }

  /** The exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = new Promise<number | string | null>((resolve) =>
      child.once('exit', (code, by) => resolve(code ?? by)),
    );
    child.kill(signal);
    return ended;
  }
}
