/**
 * A broker of the server's own, for a small site: Debian's nats-server as a child, with one user for the server and one for
 * workers, each with the rights of its side. It keeps nothing, ends with the server, and is started again when it ends alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.js';
import { OtfError } from '../../errors/catalogue.js';
import { writeFileAtomically } from '../../io/write.js';
import { workSecret } from './attempts.js';
import type { RemoteParts } from './runner.js';
import { kFrontInbox, kWorkerInboxes } from './switchboard.js';

/** Debian has it where only administrators look. */
const kPrograms = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server'];
const kOwnerOnly = 0o600;
const kAgainMs = 1000;
const kStopMs = 3000;
const kMostLogChars = 300;

export class OwnBroker {
  readonly access: RemoteParts['broker'];
  readonly #program: string;
  readonly #dir: string;
  readonly #settings: string;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  #again: NodeJS.Timeout | undefined;
  #closing = false;

  private constructor(
    parts: { access: RemoteParts['broker']; program: string; dir: string; settings: string },
    log: Logger,
  ) {
    this.access = parts.access;
    this.#program = parts.program;
    this.#dir = parts.dir;
    this.#settings = parts.settings;
    this.#log = log;
  }

  /** Throws OTF_CONFIG_INVALID when there is no nats-server, OTF_STORE_UNUSABLE, OTF_OUTPUT_UNWRITABLE. */
  static async start({ workers, storage }: Pick<Config, 'workers' | 'storage'>, log: Logger): Promise<OwnBroker> {
    const program = kPrograms.find((path) => existsSync(path));
    if (!program) {
      throw new OtfError(
        'OTF_CONFIG_INVALID',
        'there is no nats-server: apt-get install nats-server, or set workers.broker',
      );
    }
    const secret = workSecret(storage.data_dir);
    const password = (of: string) => createHmac('sha256', secret).update(`broker ${of}`).digest('hex');
    const secure = workers.tls_cert !== '';
    const url = `${secure ? 'tls' : 'nats'}://${workers.listen}`;
    const front = { user: 'front', password: password('front') };
    const worker = { user: 'worker', password: password('worker') };
    const access = {
      own: { url, ...front, caFile: workers.broker_ca || undefined },
      workers: { url: workers.broker_public || url, ...worker },
    };
    const tls = secure ? { tls: { cert_file: resolve(workers.tls_cert), key_file: resolve(workers.tls_key) } } : {};
    const rights = {
      front: { publish: { allow: ['otf.worker.>'] }, subscribe: { allow: ['otf.front.>', `${kFrontInbox}.>`] } },
      worker: { publish: { allow: ['otf.front.>'] }, subscribe: { allow: ['otf.worker.>', `${kWorkerInboxes}.>`] } },
    };
    const users = [front, worker].map(({ user, password: pass }) => ({
      ...{ user, password: pass },
      permissions: { ...rights[user as keyof typeof rights], allow_responses: true },
    }));
    // Its configuration is a superset of JSON.
    const settings = { listen: workers.listen, ...tls, authorization: { users } };
    const parts = {
      access,
      program,
      dir: resolve(storage.data_dir, 'broker'),
      settings: JSON.stringify(settings, null, 2),
    };
    const broker = new OwnBroker(parts, log);
    await broker.#spawn();
    return broker;
  }

  /** Its folder is made each time: whatever happens to its disk, it has what it needs. */
  async #spawn(): Promise<void> {
    const file = join(this.#dir, 'nats.json');
    await mkdir(this.#dir, { recursive: true });
    await writeFileAtomically(file, [this.#settings], kOwnerOnly);
    if (this.#closing) return;
    // setpriv(1): whatever ends the server ends its broker.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', this.#program, '-c', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let last = '';
    child.stderr?.on('data', (data) => {
      last = String(data).trim().split('\n').pop()?.slice(0, kMostLogChars) ?? '';
    });
    child.once('error', (thrown) => this.#ended(thrown.message));
    child.once('exit', (code, signal) => this.#ended(`${signal ?? `exit code ${code}`}: ${last}`));
  }

  #ended(why: string): void {
    this.#child = undefined;
    if (this.#closing || this.#again) return;
    this.#log.warn(`the broker has ended (${why}): it is started again`);
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.#spawn().catch((thrown) => this.#ended(thrown instanceof Error ? thrown.message : String(thrown)));
    }, kAgainMs);
  }

  async stop(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), kStopMs);
    await ended;
    clearTimeout(late);
  }
}
