/**
 * One engine process: a network on an engine, in slots of shared memory it inherits. The protocol is that of
 * native/engine/process/protocol.h: one line per command, one per reply, in order. Starting it, its log and its end are
 * native (native/process/child.h), the same for commands and for the server.
 */
import { isErrorCode, OtfError, toOtfError } from '../errors/catalogue.js';
import { publicText } from '../errors/public-text.js';
import type { Draws, EngineEnd, EngineHandle, NativeAddon } from './addon.js';
import { native } from './addon.js';
import { type CpuSet, printCpuSet } from './cpu-sets.js';
import { deviceEnvironment } from './device.js';

/** One item of a forward pass, channels apart. */
export interface ItemShape {
  width: number;
  height: number;
  depth: number;
  /** Its outputs are three: the usual one, mean and deviation over the draws. */
  draws?: Draws;
}

/** Read again at each start of a process: what is another file by then is refused (OTF_MODEL_CHECKSUM). */
export interface NamedFile {
  path: string;
  sha256: string;
}

export interface EngineSpec {
  network: NamedFile;
  engine: string;
  /** The only GPU it may see; undefined = any. */
  gpu?: number | undefined;
  /** The CPUs it keeps to; undefined = all. */
  cpus?: CpuSet | undefined;
  quantization: string;
  threads: number;
  inputBias: number;
  /** Of INT8; undefined = none. */
  calibration?: NamedFile | undefined;
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
  /** The last of its log. */
  readonly lastWords: readonly string[];
  /** By somebody else: an operator, or the kernel for lack of memory. */
  readonly killed: boolean;
  /** No other command was under way: what it is thrown for is to blame, or nothing inside the process is. */
  readonly alone: boolean;

  constructor({ how, killed, words, lines }: EngineEnd, alone = true) {
    super('OTF_ENGINE_FAILED', `the engine process ${how}${publicText(words)}`);
    this.lastWords = lines.map(publicText);
    this.killed = killed;
    this.alone = alone;
  }
}

const kEndMs = 2000;

interface Pending {
  resolve: (line: string) => void;
  reject: (reason: OtfError) => void;
  /** Time for it alone, those before it not counted. */
  limitMs: number;
  doing: string;
  timer?: NodeJS.Timeout;
}

export class EngineProcess {
  readonly #addon: NativeAddon;
  readonly #process: EngineHandle;
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly #pending: Pending[] = [];
  #hung: string | undefined;
  #death: EngineDied | undefined;
  #ready: EngineReady | undefined;

  private constructor(spec: EngineSpec, addon: NativeAddon) {
    this.#addon = addon;
    const request = {
      ...{ arguments: engineArguments(spec), environment: deviceEnvironment(spec.gpu) },
      slotsFd: spec.slotsFd,
    };
    let over: () => void = () => undefined;
    this.ended = new Promise((resolve) => {
      over = resolve;
    });
    // Its handle is good until the end has been told: what is alive is settled in that call.
    const onEnd = (end: EngineEnd): void => {
      this.#die(end);
      over();
    };
    const started = addon.startEngine(request, (line) => this.#answered(line), onEnd);
    this.#process = started.process;
    this.pid = started.pid;
  }

  /** Resolves once the network is loaded. Throws what the process reports, EngineDied, or OTF_SHORTAGE. */
  static async start(spec: EngineSpec, timeoutMs: number): Promise<EngineProcess> {
    const addon = native();
    const started = begun(() => new EngineProcess(spec, addon));
    try {
      const line = await started.#reply(timeoutMs, 'loading its network');
      started.#ready = JSON.parse(expectWord(line, 'ready')) as EngineReady;
      return started;
    } catch (thrown) {
      started.kill();
      await started.ended;
      throw thrown;
    }
  }

  get info(): EngineReady {
    if (!this.#ready) throw new Error('the engine process is not ready');
    return this.#ready;
  }

  get alive(): boolean {
    return this.#death === undefined;
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
    if (this.alive) this.#addon.sendToEngine(this.#process, 'quit');
    const timer = setTimeout(() => this.kill(), kEndMs);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    if (this.alive) this.#addon.killEngine(this.#process);
  }

  #ask(command: string, limitMs: number, doing: string): Promise<string> {
    if (this.#death) return Promise.reject(this.#death);
    const reply = this.#reply(limitMs, doing);
    this.#addon.sendToEngine(this.#process, command);
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

  #answered(line: string): void {
    const done = this.#pending.shift();
    clearTimeout(done?.timer);
    this.#watchFirst();
    done?.resolve(line);
  }

  #die(end: EngineEnd): void {
    const told = this.#hung === undefined ? end : { ...end, how: this.#hung, killed: false };
    this.#death = new EngineDied(told, this.#pending.length <= 1);
    for (const { reject, timer } of this.#pending.splice(0)) {
      clearTimeout(timer);
      reject(this.#death);
    }
  }
}

/** Not started for lack of descriptors, memory or processes: ours to wait for, never the fault of a job. */
function begun(start: () => EngineProcess): EngineProcess {
  try {
    return start();
  } catch (thrown) {
    const { code, message } = toOtfError(thrown);
    throw new OtfError(code === 'OTF_OUT_OF_MEMORY' ? 'OTF_SHORTAGE' : code, publicText(message), { cause: thrown });
  }
}

function engineArguments(spec: EngineSpec): string[] {
  const { draws } = spec.item;
  const named: Record<string, string> = {
    network: spec.network.path,
    'network-sha256': spec.network.sha256,
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
    ...(draws ? { draws: String(draws.repeats), 'draw-seed': String(draws.seed) } : {}),
    ...(spec.calibration ? { calibration: spec.calibration.path, 'calibration-sha256': spec.calibration.sha256 } : {}),
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
