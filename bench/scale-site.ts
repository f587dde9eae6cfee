/** A server with its broker and simulated workers, for `bench scale`. */
import { type ChildProcess, fork } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OtfError } from '#otf/errors/catalogue.js';
import { kDefaultModel, kShippedModelsDir } from '#otf/models/registry.js';
import { BenchClient } from './client.js';
import { type BenchServer, startBenchServer } from './host.js';
import { childrenOf, cpuSeconds, machineSeconds } from './process-times.js';
import type { ScaleCounts, ScaleWorkers } from './scale-workers.js';
import type { Simulated } from './simulated-runner.js';

/** At one moment. Seconds of CPU. */
export interface Sample extends ScaleCounts {
  atMs: number;
  front: number;
  broker: number;
  idle: number;
  all: number;
  completed: number;
}

const kPerProcess = 16;
const kSubmitters = 8;
const kWorkers = fileURLToPath(new URL('./scale-workers.js', import.meta.url));
const kPatienceMs = 60_000;
/** The demonstration model once more, by another name. */
const kSecond = 'demo-second';

/** Networks: what a device has to load before it computes with it. */
export interface Key {
  model: string;
  quantization: string;
}
export const kKeys: readonly Key[] = [kDefaultModel, kSecond].flatMap((model) =>
  ['FP32C_FP32A', 'BF16C_FP32A'].map((quantization) => ({ model, quantization })),
);

export class ScaleSite {
  readonly #server: BenchServer;
  readonly #broker: number;
  readonly #processes: ChildProcess[] = [];

  private constructor(server: BenchServer, broker: number) {
    this.#server = server;
    this.#broker = broker;
  }

  static async start(folder: string): Promise<ScaleSite> {
    const settings = {
      CIANNA_OTF_WORKERS_LISTEN: `127.0.0.1:${await freePort()}`,
      CIANNA_OTF_POLICY_MAX_QUEUED: '1000000',
      CIANNA_OTF_POLICY_OWNER_SHARE: '1',
    };
    const models = await twoModels(folder);
    const server = await startBenchServer(join(folder, 'data'), models, settings, ['--with-broker']);
    for (const until = Date.now() + kPatienceMs; ; await pause(50)) {
      const [broker] = await childrenOf(server.pid, 'nats-server');
      if (broker !== undefined) return new ScaleSite(server, broker);
      if (Date.now() > until) throw new OtfError('OTF_ENGINE_FAILED', 'the server has started no nats-server');
    }
  }

  /** Jobs of one upload, the keys in turn. Seconds of the server's CPU for each. */
  async submit(image: Buffer, count: number, keys: readonly Key[]): Promise<number> {
    const client = new BenchClient(this.#server.url);
    const send = async (lines: string, body: Buffer) => {
      const answer = await client.exchange('POST /jobs', `${lines}Content-Length: ${body.length}\r\n`, body);
      if (answer.status === 303) return answer.location.split('/').pop() ?? '';
      throw new OtfError('OTF_SERVER_ANSWER', `the server answered ${answer.status}: ${answer.text}`);
    };
    const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
    const head = '--b\r\nContent-Disposition: form-data; name="IMAGE"; filename="field.fits"\r\n\r\n';
    const parts = Buffer.concat([Buffer.from(head), image, Buffer.from('\r\n--b--\r\n')]);
    const upload = await send('Content-Type: multipart/form-data; boundary=b\r\n', parts);
    const before = await cpuSeconds(this.#server.pid);
    let next = 0;
    const submitter = async () => {
      for (let at = next++; at < count; at = next++) {
        const { model: MODEL = '', quantization: QUANTIZATION = '' } = keys[at % keys.length] ?? {};
        const fields = { IMAGE: `job:${upload}/IMAGE`, MODEL, QUANTIZATION, PHASE: 'RUN' };
        await send(form, Buffer.from(new URLSearchParams(fields).toString()));
      }
    };
    await Promise.all(Array.from({ length: kSubmitters }, submitter));
    client.close();
    return ((await cpuSeconds(this.#server.pid)) - before) / count;
  }

  /** Resolves when every device has computed something. */
  async employ(count: number, cache: string, device: Simulated): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `w${index}`);
    for (let at = 0; at < count; at += kPerProcess) {
      const what: ScaleWorkers = { server: this.#server.url, names: names.slice(at, at + kPerProcess), cache, device };
      const child = fork(kWorkers, [JSON.stringify(what)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      this.#processes.push(child);
      await answerOf(child);
    }
    for (const until = Date.now() + kPatienceMs; ; await pause(200)) {
      const begun = (await this.#counts()).reduce((sum, each) => sum + each.begun, 0);
      if (begun === count) return;
      if (Date.now() > until) throw new OtfError('OTF_ENGINE_FAILED', `only ${begun} of ${count} workers have begun`);
    }
  }

  async sample(): Promise<Sample> {
    const [counts, front, broker, machine, metrics] = await Promise.all([
      this.#counts(),
      cpuSeconds(this.#server.pid),
      cpuSeconds(this.#broker),
      machineSeconds(),
      fetch(`${this.#server.url}/metrics`).then((answer) => answer.text()),
    ]);
    const sum = (of: (each: ScaleCounts) => number) => counts.reduce((all, each) => all + of(each), 0);
    return {
      ...{ atMs: performance.now(), front, broker, ...machine },
      completed: Number(/^otf_jobs\{phase="COMPLETED"\} (\d+)$/m.exec(metrics)?.[1] ?? 0),
      tiles: sum(({ tiles }) => tiles),
      jobs: sum(({ jobs }) => jobs),
      loads: sum(({ loads }) => loads),
      begun: sum(({ begun }) => begun),
      cpuSeconds: sum(({ cpuSeconds: taken }) => taken),
    };
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) child.disconnect();
    await this.#server.stop();
  }

  #counts(): Promise<ScaleCounts[]> {
    return Promise.all(
      this.#processes.map((child) => {
        const answer = answerOf(child);
        child.send('counts');
        return answer as Promise<ScaleCounts>;
      }),
    );
  }
}

async function twoModels(folder: string): Promise<string> {
  const models = join(folder, 'models');
  for (const id of [kDefaultModel, kSecond]) {
    await cp(join(kShippedModelsDir, kDefaultModel), join(models, id), { recursive: true });
  }
  const path = join(models, kSecond, 'model.toml');
  const card = (await readFile(path, 'utf8')).replace(`id = "${kDefaultModel}"`, `id = "${kSecond}"`);
  await writeFile(path, card.replace(/^aliases = .*$/m, 'aliases = []'));
  return models;
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new OtfError('OTF_ENGINE_FAILED', 'a process of workers has ended'));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
