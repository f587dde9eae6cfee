/**
 * One engine process: a network on an engine, in slots of shared memory it inherits. The protocol is that of
 * native/engine/process/protocol.h: one line per command on descriptor 4, one per reply, in order, on descriptor 5.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isErrorCode, isShortage, OtfError, shortage, systemReason } from '../errors/catalogue.js';
import { publicText } from '../errors/public-text.js';
import { type CpuSet, printCpuSet } from './cpu-sets.js';
import { deviceEnvironment } from './device.js';
import { LogTail } from './last-words.js';

/** One item of a forward pass, channels apart. */
export interface ItemShape {
  width: number;
  height: number;
  depth: number;
}

export interface EngineSpec {
  network: string;
  engine: string;
  /** The only GPU it may see; undefined = any. */
  gpu?: number | undefined;
  /** The CPUs it keeps to; undefined = all. */
  cpus?: CpuSet | undefined;
  quantization: string;
  threads: number;
  inputBias: number;
  item: ItemShape;
  batch: number;
  slots: number;
  slotBytes: number;
  slotsFd: number;
}

/** What the process says of itself once its network is loaded. */
export interface EngineReady {
  engine: string;
  version: string;
  device: string;
  asked: string;
  effective: string;
  threads: number;
  memoryBytes: number;
}

export interface ForwardDone {
  seconds: number;
  memoryBytes: number;
}

/** The process ended, or was ended because it hung. */
export class EngineDied extends OtfError {
  readonly lastWords: readonly string[];
  /** By somebody else: an operator, or the kernel for lack of memory. */
  readonly killed: boolean;
  /** No other command was under way: what it is thrown for is to blame, or nothing inside the process is. */
  readonly alone: boolean;

  constructor(how: string, lastWords: readonly string[], killed = false, alone = true) {
    const last = lastWords.at(-1);
    super('OTF_ENGINE_FAILED', `the engine process ${how}${last === undefined ? '' : `: ${last}`}`);
    this.lastWords = lastWords;
    this.killed = killed;
    this.alone = alone;
  }
}

const kProgram = fileURLToPath(new URL('../../build/Release/otf-engine', import.meta.url));
const kEndMs = 2000;
const kCommandFd = 4;
const kReplyFd = 5;

interface Pending {
  resolve: (line: string) => void;
  reject: (reason: OtfError) => void;
  /** Time for it alone, those before it not counted. */
  limitMs: number;
  doing: string;
  timer?: NodeJS.Timeout;
}

export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #log = new LogTail();
  readonly #pending: Pending[] = [];
  readonly ended: Promise<void>;
  #partial = '';
  #hung: string | undefined;
  #short: OtfError | undefined;
  #death: EngineDied | undefined;
  #ready: EngineReady | undefined;

  private constructor(spec: EngineSpec) {
    // A session of its own: Ctrl-C in the server's terminal is the server's to act on.
    const stdio = ['ignore', 'pipe', 'pipe', spec.slotsFd, 'pipe', 'pipe'] as const;
    const program = process.env.OTF_ENGINE_PROGRAM || kProgram;
    this.#child = spawn(program, engineArguments(spec), {
      stdio: [...stdio],
      detached: true,
      env: deviceEnvironment(spec.gpu),
    });
    // Without a free descriptor or process there is neither a child nor its pipes, only this event.
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#short = isShortage(error) ? shortage(error) : undefined;
        this.#die(`cannot be started: ${systemReason(error)}`);
        resolve();
      });
      this.#child.once('close', (code, signal) => {
        const killed = signal === 'SIGKILL' && this.#hung === undefined;
        this.#die(this.#hung ?? (signal ? `was ended by ${signal}` : `exited with code ${code}`), killed);
        resolve();
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (data) => this.#log.add(data));
    const replies = this.#pipe(kReplyFd);
    replies?.on('data', (data: Buffer) => this.#read(data.toString('utf8')));
    // A broken pipe is told by the process's end, with the reason.
    replies?.on('error', () => undefined);
    this.#commands?.on('error', () => undefined);
  }

  /** Resolves once the network is loaded. Throws what the process reports, EngineDied, or OTF_SHORTAGE. */
  static async start(spec: EngineSpec, timeoutMs: number): Promise<EngineProcess> {
    const started = new EngineProcess(spec);
    try {
      const line = await started.#reply(timeoutMs, 'loading its network');
      started.#ready = JSON.parse(expectWord(line, 'ready')) as EngineReady;
      return started;
    } catch (thrown) {
      started.kill();
      await started.ended;
      throw started.#short ?? thrown;
    }
  }

  get info(): EngineReady {
    if (!this.#ready) throw new Error('the engine process is not ready');
    return this.#ready;
  }

  get alive(): boolean {
    return this.#death === undefined;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Items [0, count) of the slot. Throws EngineDied, also when it takes longer than limitMs, or what the engine reports. */
  async forward(slot: number, count: number, limitMs: number): Promise<ForwardDone> {
    const line = await this.#ask(`forward ${slot} ${count}`, limitMs, `running ${count} tiles`);
    const [, seconds, memoryBytes] = expectWord(line, 'done').split(' ').map(Number);
    if (seconds === undefined || memoryBytes === undefined) throw nonsense(line);
    return { seconds, memoryBytes };
  }

  async ping(limitMs: number): Promise<void> {
    expectWord(await this.#ask('ping', limitMs, 'answering'), 'pong');
  }

  /** Asks it to go, makes it go after a while. */
  async end(): Promise<void> {
    this.#commands?.end('quit\n');
    const timer = setTimeout(() => this.kill(), kEndMs);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  get #commands(): Duplex | undefined {
    return this.#pipe(kCommandFd);
  }

  #pipe(descriptor: number): Duplex | undefined {
    const pipes = this.#child.stdio as (unknown | null)[] | undefined;
    return (pipes?.[descriptor] as Duplex | null | undefined) ?? undefined;
  }

  #ask(command: string, limitMs: number, doing: string): Promise<string> {
    if (this.#death) return Promise.reject(this.#death);
    const reply = this.#reply(limitMs, doing);
    this.#commands?.write(`${command}\n`);
    return reply;
  }

  #reply(limitMs: number, doing: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject, limitMs, doing });
      if (this.#pending.length === 1) this.#watchFirst();
    });
  }

  #watchFirst(): void {
    const [first] = this.#pending;
    if (!first) return;
    first.timer = setTimeout(() => {
      this.#hung = `hung: ${first.doing} took more than ${Math.round(first.limitMs / 100) / 10} s`;
      this.kill();
    }, first.limitMs);
  }

  #read(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) {
      const done = this.#pending.shift();
      clearTimeout(done?.timer);
      this.#watchFirst();
      done?.resolve(line);
    }
  }

  #die(how: string, killed = false): void {
    if (this.#death) return;
    this.#death = new EngineDied(how, this.#log.lines(), killed, this.#pending.length <= 1);
    for (const { reject, timer } of this.#pending.splice(0)) {
      clearTimeout(timer);
      reject(this.#death);
    }
  }
}

function engineArguments(spec: EngineSpec): string[] {
  const named: Record<string, string> = {
    network: spec.network,
    engine: spec.engine,
    quantization: spec.quantization,
    threads: String(spec.threads),
    'input-bias': String(spec.inputBias),
    width: String(spec.item.width),
    height: String(spec.item.height),
    depth: String(spec.item.depth),
    batch: String(spec.batch),
    slots: String(spec.slots),
    'slot-bytes': String(spec.slotBytes),
    ...(spec.cpus ? { cpus: printCpuSet(spec.cpus, ',') } : {}),
  };
  return Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The rest of a reply that begins with `word`; an `error CODE message` reply is thrown. */
function expectWord(line: string, word: string): string {
  if (line === word) return '';
  if (line.startsWith(`${word} `)) return line.slice(word.length + 1);
  const error = /^error (\w+) (.*)$/.exec(line);
  if (error) throw new OtfError(isErrorCode(error[1]) ? error[1] : 'OTF_ENGINE_FAILED', publicText(error[2] ?? ''));
  throw nonsense(line);
}

function nonsense(line: string): OtfError {
  return new OtfError('OTF_ENGINE_FAILED', `the engine process answered: ${publicText(line.slice(0, 200))}`);
}
