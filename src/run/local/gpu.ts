/** GPUs through NVML, their names, memory and load: the library that comes with NVIDIA's driver; nothing at all where there is none. */
import { createRequire } from 'node:module';
import { Gauge, type Registry } from 'prom-client';
import type { GpuState } from '../../jobs/executor.js';
import type { GpuIdentity } from '../../provenance/environment.js';

const kLibrary = 'libnvidia-ml.so.1';
const kNameBytes = 96;

export interface Nvml {
  read: () => GpuState[];
  identity: GpuIdentity;
}

/** Undefined without library, driver or device. Loading it takes milliseconds: once, when the server starts. */
export function openNvml(library = kLibrary): Nvml | undefined {
  try {
    return loadNvml(library);
  } catch {
    // Not installed, or without a driver: the usual case, and no fault.
    return undefined;
  }
}

function loadNvml(library: string): Nvml | undefined {
  const require = createRequire(import.meta.url);
  const koffi = require('koffi') as typeof import('koffi');
  const nvml = koffi.load(library);
  // NVML API reference: every call returns nvmlReturn_t, 0 = success; a device is an opaque pointer.
  const memory = koffi.struct({ total: 'uint64_t', free: 'uint64_t', used: 'uint64_t' });
  const utilization = koffi.struct({ gpu: 'uint32_t', memory: 'uint32_t' });
  const init = nvml.func('nvmlInit_v2', 'int', []);
  const count = nvml.func('nvmlDeviceGetCount_v2', 'int', [koffi.out(koffi.pointer('uint32_t'))]);
  const byIndex = nvml.func('nvmlDeviceGetHandleByIndex_v2', 'int', ['uint32_t', koffi.out(koffi.pointer('void *'))]);
  const nameOf = nvml.func('nvmlDeviceGetName', 'int', ['void *', 'void *', 'uint32_t']);
  const memoryOf = nvml.func('nvmlDeviceGetMemoryInfo', 'int', ['void *', koffi.out(koffi.pointer(memory))]);
  const loadOf = nvml.func('nvmlDeviceGetUtilizationRates', 'int', ['void *', koffi.out(koffi.pointer(utilization))]);
  const uuidOf = nvml.func('nvmlDeviceGetUUID', 'int', ['void *', 'void *', 'uint32_t']);
  const driverOf = nvml.func('nvmlSystemGetDriverVersion', 'int', ['void *', 'uint32_t']);
  const cudaOf = nvml.func('nvmlSystemGetCudaDriverVersion_v2', 'int', [koffi.out(koffi.pointer('int'))]);
  const textOf = (call: (buffer: Buffer) => number) => {
    const buffer = Buffer.alloc(kNameBytes);
    return call(buffer) === 0 ? buffer.toString('utf8').replace(/\0.*$/s, '') : 'unknown';
  };
  const devices: [number] = [0];
  if (init() !== 0 || count(devices) !== 0) return undefined;
  const handles = Array.from({ length: devices[0] }, (_, index) => {
    const handle: [unknown] = [null];
    if (byIndex(index, handle) !== 0) return undefined;
    const name = textOf((buffer) => nameOf(handle[0], buffer, kNameBytes));
    const uuid = textOf((buffer) => uuidOf(handle[0], buffer, kNameBytes));
    return { gpu: String(index), name, uuid, handle: handle[0] };
  }).filter((each) => each !== undefined);
  if (handles.length === 0) return undefined;
  const cuda: [number] = [0];
  // NVML_CUDA_DRIVER_VERSION_MAJOR and _MINOR: 12040 is 12.4.
  const cudaKnown = cudaOf(cuda) === 0;
  const identity = {
    devices: handles.map(({ name, uuid }) => ({ name, uuid })),
    driver: textOf((buffer) => driverOf(buffer, kNameBytes)),
    cuda: cudaKnown ? `${Math.floor(cuda[0] / 1000)}.${Math.floor((cuda[0] % 1000) / 10)}` : 'unknown',
  };
  const read = () =>
    handles.map(({ gpu, name, handle }) => {
      const room = { total: 0, free: 0, used: 0 };
      const busy = { gpu: 0, memory: 0 };
      memoryOf(handle, room);
      loadOf(handle, busy);
      const [memoryUsedBytes, memoryTotalBytes] = [Number(room.used), Number(room.total)];
      return { gpu, name, memoryUsedBytes, memoryTotalBytes, load: busy.gpu / 100 };
    });
  return { read, identity };
}

/** Metrics without values where there is no GPU; their help says so. */
export function gpuMetrics(registry: Registry, read: (() => GpuState[]) | undefined): void {
  const gauges: [string, string, (reading: GpuState) => number][] = [
    ['otf_gpu_memory_used_bytes', 'GPU memory in use', (reading) => reading.memoryUsedBytes],
    ['otf_gpu_memory_total_bytes', 'GPU memory', (reading) => reading.memoryTotalBytes],
    ['otf_gpu_load', 'Share of time the GPU was busy, 0 to 1', (reading) => reading.load],
  ];
  for (const [name, help, value] of gauges) {
    new Gauge({
      name,
      help: `${help} (NVML; no values on a machine without an NVIDIA driver)`,
      labelNames: ['gpu', 'name'],
      registers: [registry],
      collect() {
        for (const reading of read?.() ?? []) this.set({ gpu: reading.gpu, name: reading.name }, value(reading));
      },
    });
  }
}
