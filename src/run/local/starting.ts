/** What a runner starts with: its devices, the processes that decode images, the memory for pixels. */
import type { NativeAddon } from '../../engine/addon.js';
import { allowedCpus } from '../../engine/cpu-sets.js';
import { chooseDevices, type Device } from '../../engine/device.js';
import type { ModelRegistry } from '../../models/registry.js';
import type { RunHost } from '../runner.js';
import { memoryOfThisMachine } from './memory.js';
import { readerMetrics } from './metrics.js';

const kWarmReaders = 1; // more are started when they are needed

/** Gives the bytes that images which are being cut into tiles may take. */
export async function startReaders(addon: NativeAddon, { config: { engine }, metrics }: RunHost): Promise<number> {
  const imageBytes = engine.image_mb > 0 ? engine.image_mb * 2 ** 20 : memoryOfThisMachine() / 4;
  addon.configureReaders({ deadlineMs: engine.read_s * 1000, memoryBytes: imageBytes });
  await addon.warmReaders(kWarmReaders);
  readerMetrics(metrics, () => addon.readerStats());
  return imageBytes;
}

/** Throws OTF_CONFIG_INVALID. `gpus`: as the driver counts them; undefined = there is none. */
export function devicesOf(
  addon: NativeAddon,
  { engine }: RunHost['config'],
  { cards }: ModelRegistry,
  gpus: number | undefined,
): Promise<Device[]> {
  return chooseDevices({
    devices: engine.devices,
    engine: engine.default,
    demands: cards,
    gpus,
    cpus: allowedCpus,
    describe: () => addon.describeEngines(),
    resolve: (name) => addon.resolveEngine(name),
  });
}
