/** The one device of a server (engine.devices) and what it means for its engines. */
import { OtfError } from '../errors/catalogue.js';
import type { EngineDescription } from './addon.js';

/** CIANNA with CUDA when both are there, else onednn. */
export const kAutoEngine = 'auto';

export interface ChosenDevice {
  /** Of models whose card demands none. */
  engine: string;
  /** Index as the driver counts (PCI order); undefined = what the engine takes by itself. */
  gpu?: number;
}

export interface DeviceParts {
  devices: readonly string[];
  /** engine.default. */
  engine: string;
  /** Cards that demand an engine. */
  demands: readonly { id: string; engine?: string | undefined }[];
  /** GPUs the driver knows; undefined = it cannot be asked. */
  gpus: number | undefined;
  describe: () => EngineDescription[];
  /** `auto` becomes the engine it stands for on this machine. */
  resolve: (name: string) => Promise<string>;
}

const kCuda = 'cianna:cuda';
/** `cianna` alone takes a GPU when it was built for one. */
const kMayUseGpu = ['cianna', kCuda];

/** Throws OTF_CONFIG_INVALID: several devices, an unknown one, one that is not there or that the engine cannot use. */
export async function chooseDevice(parts: DeviceParts): Promise<ChosenDevice> {
  const [device = 'auto', ...others] = parts.devices;
  if (others.length > 0) throw invalid('one device is used by a server; start one for each');
  if (device === 'auto') return { engine: await parts.resolve(parts.engine) };
  if (device === 'cpu') return onCpu(parts);
  const index = /^gpu:(\d{1,3})$/.exec(device)?.[1];
  if (index === undefined) throw invalid(`"${device}" is none: auto, cpu and gpu:N (gpu:0, ...) are`);
  return onGpu(Number(index), parts);
}

function onCpu({ engine, demands }: DeviceParts): ChosenDevice {
  if (kMayUseGpu.includes(engine)) {
    throw invalid(`cpu, but engine.default "${engine}" may use a GPU: onednn, cianna:blas and cianna:naiv do not`);
  }
  const demanding = demands.find((card) => kMayUseGpu.includes(card.engine ?? ''));
  if (demanding) throw invalid(`cpu, but the card of model ${demanding.id} demands ${demanding.engine}`);
  return { engine: engine === kAutoEngine ? 'onednn' : engine };
}

function onGpu(gpu: number, { engine, gpus, describe }: DeviceParts): ChosenDevice {
  if (engine !== kAutoEngine && !kMayUseGpu.includes(engine)) {
    throw invalid(`gpu:${gpu}, but engine.default "${engine}" runs on CPUs: ${kCuda} and auto use GPUs`);
  }
  const known = describe();
  // A build without CIANNA lists no variants of it, only why.
  const cuda = known.find((each) => each.name === kCuda) ?? known.find((each) => each.name === 'cianna');
  if (cuda?.name !== kCuda || !cuda.available) {
    throw invalid(`gpu:${gpu} needs ${kCuda}: ${cuda?.reason || 'this build has none'}`);
  }
  if (gpus !== undefined && gpu >= gpus) {
    throw invalid(`gpu:${gpu} is not there: this machine has ${gpus} (the first is gpu:0)`);
  }
  return { engine: kCuda, gpu };
}

function invalid(message: string): OtfError {
  return new OtfError('OTF_CONFIG_INVALID', `engine.devices: ${message}`);
}

/** What an engine process sees: this GPU only, counted as NVML counts (CUDA Programming Guide, environment variables). */
export function deviceEnvironment(gpu: number | undefined): NodeJS.ProcessEnv {
  if (gpu === undefined) return process.env;
  return { ...process.env, CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: String(gpu) };
}
