/** The devices of a server (engine.devices) and what they mean for its engines. */
import { OtfError } from '../errors/catalogue.js';
import type { EngineDescription } from './addon.js';
import { type CpuSet, parseCpuSet, printCpuSet, shareCpus } from './cpu-sets.js';

/** CIANNA with CUDA when both are there, else onednn. */
export const kAutoEngine = 'auto';

export interface Device {
  /** Unique: `auto`, `cpu`, `cpu:0-3`, `gpu:1`. */
  name: string;
  /** Of models whose card demands none. */
  engine: string;
  /** Index as the driver counts (PCI order); undefined = what the engine takes by itself. */
  gpu?: number;
  /** The CPUs its engines keep to; undefined = all. */
  cpus?: CpuSet;
}

export interface DeviceParts {
  devices: readonly string[];
  /** engine.default. */
  engine: string;
  /** Cards that demand an engine. */
  demands: readonly { id: string; engine?: string | undefined }[];
  /** GPUs the driver knows; undefined = it cannot be asked. */
  gpus: number | undefined;
  /** CPUs this process may use. */
  cpus: () => CpuSet;
  describe: () => EngineDescription[];
  /** `auto` becomes the engine it stands for on this machine. */
  resolve: (name: string) => Promise<string>;
}

/** Our own, and CIANNA's. */
const kOwn = 'cuda';
const kCianna = 'cianna:cuda';
const kOfCpus = ['onednn', 'cianna:blas', 'cianna:naiv', 'reference'];
/** `cianna` alone takes a GPU when it was built for one. */
const kMayUseGpu = [kOwn, 'cianna', kCianna];
const kNames = [kAutoEngine, ...kOfCpus, ...kMayUseGpu];
const kSyntax = 'auto, cpu, cpu:0-3 (cpu:0-3+8, ...) and gpu:N (gpu:0, ...) are';

/** Throws OTF_CONFIG_INVALID: an unknown engine or device, one that is not there, named twice, or that no engine or model can use. */
export async function chooseDevices(parts: DeviceParts): Promise<Device[]> {
  const { devices: asked, demands } = parts;
  // Those of tests have names of their own (native/engine/host).
  if (!kNames.includes(parts.engine) && process.env.OTF_DEBUG_ENGINES === undefined) {
    throw new OtfError('OTF_CONFIG_INVALID', `engine.default: "${parts.engine}" is none of ${kNames.join(', ')}`);
  }
  if (asked.includes('auto')) {
    if (asked.length > 1) throw invalid('auto is one device, whatever the engine takes: name the others instead');
    return [{ name: 'auto', engine: await parts.resolve(parts.engine) }];
  }
  const sets = cpuSets(asked, parts.cpus);
  const devices = asked.map((name) => {
    const index = /^gpu:(\d{1,3})$/.exec(name)?.[1];
    return index === undefined ? onCpu(sets.shift(), parts) : onGpu(Number(index), parts);
  });
  const names = devices.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw invalid(`${twice} is named twice`);
  const homeless = demands.find(({ engine }) => !devices.some((device) => canRun(device, engine)));
  if (homeless) throw invalid(`${names.join(', ')}, but the card of model ${homeless.id} demands ${homeless.engine}`);
  return devices;
}

/** `engine`: what the model's card demands, if it does. */
export function canRun({ name, gpu }: Device, engine: string | undefined): boolean {
  return name === 'auto' || gpu !== undefined || !kMayUseGpu.includes(engine ?? '');
}

/** One for each device that is no GPU, in their order; undefined = no bounds, for one that has all. */
function cpuSets(asked: readonly string[], allowed: () => CpuSet): (CpuSet | undefined)[] {
  const named = asked.filter((name) => !/^gpu:\d{1,3}$/.test(name));
  for (const name of named) if (!/^cpu(:|$)/.test(name)) throw invalid(`"${name}" is none: ${kSyntax}`);
  if (named.length === 0 || (named.length === 1 && named[0] === 'cpu')) return [undefined];
  const cpus = allowed();
  const taken = new Set<number>();
  const sets = named.map((name) => (name === 'cpu' ? undefined : takeSet(name, cpus, taken)));
  const left = cpus.filter((cpu) => !taken.has(cpu));
  const sharing = sets.filter((set) => set === undefined).length;
  if (left.length < sharing) throw invalid(`cpu ${sharing} times, but ${left.length} of the CPUs are left for them`);
  const shares = shareCpus(left, sharing);
  return sets.map((set) => set ?? shares.shift());
}

function takeSet(name: string, allowed: CpuSet, taken: Set<number>): CpuSet {
  const set = parseCpuSet(name.slice('cpu:'.length));
  if (!set) throw invalid(`"${name}" is none: ${kSyntax}`);
  for (const cpu of set) {
    if (!allowed.includes(cpu))
      throw invalid(`${name}: this process may not use CPU ${cpu}, only ${printCpuSet(allowed)}`);
    if (taken.has(cpu)) throw invalid(`${name}: CPU ${cpu} belongs to another device`);
    taken.add(cpu);
  }
  return set;
}

function onCpu(cpus: CpuSet | undefined, { engine }: DeviceParts): Device {
  if (kMayUseGpu.includes(engine)) {
    throw invalid(`cpu, but engine.default "${engine}" may use a GPU: onednn, cianna:blas and cianna:naiv do not`);
  }
  const chosen = engine === kAutoEngine ? 'onednn' : engine;
  return cpus ? { name: `cpu:${printCpuSet(cpus)}`, engine: chosen, cpus } : { name: 'cpu', engine: chosen };
}

function onGpu(gpu: number, { engine, gpus, describe }: DeviceParts): Device {
  const name = `gpu:${gpu}`;
  if (engine !== kAutoEngine && !kMayUseGpu.includes(engine)) {
    throw invalid(`${name}, but engine.default "${engine}" runs on CPUs: ${kCianna}, ${kOwn} and auto use GPUs`);
  }
  const wanted = engine === kOwn ? kOwn : kCianna;
  const known = describe();
  // A build without CIANNA lists no variants of it, only why.
  const cuda = known.find((each) => each.name === wanted) ?? known.find((each) => each.name === 'cianna');
  if (cuda?.name !== wanted || !cuda.available) {
    throw invalid(`${name} needs ${wanted}: ${cuda?.reason || 'this build has none'}`);
  }
  if (gpus !== undefined && gpu >= gpus) {
    throw invalid(`${name} is not there: this machine has ${gpus} (the first is gpu:0)`);
  }
  return { name, engine: wanted, gpu };
}

function invalid(message: string): OtfError {
  return new OtfError('OTF_CONFIG_INVALID', `engine.devices: ${message}`);
}

/** What an engine process sees: this GPU only, counted as NVML counts (CUDA Programming Guide, environment variables). */
export function deviceEnvironment(gpu: number | undefined): string[] {
  return gpu === undefined ? [] : ['CUDA_DEVICE_ORDER=PCI_BUS_ID', `CUDA_VISIBLE_DEVICES=${gpu}`];
}
