/** What networks make of items: computed once by a real engine, and remembered, so that thousands of histories need it once. */
import { createHash } from 'node:crypto';
import type { EngineEnd, NativeAddon } from '#otf/engine/addon.js';

/** A network on an engine, for items of one size. */
export interface OracleSpec {
  arguments: string[];
  environment: string[];
  valuesIn: number;
  valuesOut: number;
}

/** As the addon is by itself. */
export type RealAddon = Pick<
  NativeAddon,
  'startEngine' | 'sendToEngine' | 'killEngine' | 'createSlots' | 'writeItems' | 'readItems'
>;

interface Running {
  ask: (command: string) => Promise<string>;
  slots: number;
  ready: string;
}

export class Oracle {
  readonly #addon: RealAddon;
  readonly #outputs = new Map<string, Float32Array>();
  readonly #engines = new Map<string, Promise<Running>>();
  readonly #stop: (() => void)[] = [];

  constructor(addon: RealAddon) {
    this.#addon = addon;
  }

  /** What such an engine says once it has loaded its network. */
  async ready(spec: OracleSpec): Promise<string> {
    return (await this.#engine(spec)).ready;
  }

  /** Undefined: it has to be asked for. */
  known(spec: OracleSpec, input: Float32Array): Float32Array | undefined {
    return this.#outputs.get(nameOf(spec, input));
  }

  /** One at a time. */
  async outputOf(spec: OracleSpec, input: Float32Array): Promise<Float32Array> {
    const name = nameOf(spec, input);
    const engine = await this.#engine(spec);
    const item = { slots: engine.slots, slot: 0, item: 0, count: 1 };
    this.#addon.writeItems(item, input);
    const line = await engine.ask('forward 0 1');
    if (!line.startsWith('done ')) throw new Error(`the oracle's engine answered: ${line}`);
    const { output } = this.#addon.readItems(item);
    this.#outputs.set(name, output);
    return output;
  }

  close(): void {
    for (const stop of this.#stop) stop();
  }

  #engine(spec: OracleSpec): Promise<Running> {
    const key = spec.arguments.join(' ');
    let engine = this.#engines.get(key);
    if (!engine) {
      engine = this.#start(spec);
      this.#engines.set(key, engine);
    }
    return engine;
  }

  async #start({ arguments: given, environment, valuesIn, valuesOut }: OracleSpec): Promise<Running> {
    const { slots, fd, slotBytes } = this.#addon.createSlots({ batch: 1, valuesIn, valuesOut, slots: 1 });
    const own = { '--batch': '1', '--slots': '1', '--slot-bytes': String(slotBytes) };
    const waiting: { resolve: (line: string) => void; reject: (reason: Error) => void }[] = [];
    const next = () =>
      new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject });
      });
    const ready = next();
    const { process } = this.#addon.startEngine(
      { arguments: replaced(given, own), environment, slotsFd: fd },
      (line) => waiting.shift()?.resolve(line),
      (end: EngineEnd) => {
        for (const { reject } of waiting.splice(0)) reject(new Error(`the oracle's engine ${end.how}${end.words}`));
      },
    );
    this.#stop.push(() => this.#addon.killEngine(process));
    const ask = (command: string) => {
      const answer = next();
      this.#addon.sendToEngine(process, command);
      return answer;
    };
    return { ask, slots, ready: await ready };
  }
}

function nameOf({ arguments: given }: OracleSpec, input: Float32Array): string {
  const hash = createHash('sha1').update(given.join(' '));
  return hash.update(new Uint8Array(input.buffer, input.byteOffset, input.byteLength)).digest('base64');
}

/** Options and their values, in turn. */
function replaced(given: readonly string[], own: Readonly<Record<string, string>>): string[] {
  return given.map((word, index) => own[given[index - 1] ?? ''] ?? word);
}

/** Those of an engine's options that say what it computes. */
export function essence(given: readonly string[]): string[] {
  const beside = new Set(['--batch', '--slots', '--slot-bytes']);
  return given.filter((word, index) => !beside.has(word) && !beside.has(given[index - 1] ?? ''));
}
