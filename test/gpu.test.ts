/** What is read from NVML: without a driver nothing, with one everything, here from a library that answers as its reference says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { gpuMetrics, openNvml } from '#otf/run/local/gpu.js';
import { scratchDir } from './support/cli.js';

/** Signatures and units of the NVML API reference; two devices, the second without a readable UUID. */
const kLibrary = `
#include <string.h>
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned gpu, memory; } Utilization;
static int devices[2] = {1, 2};
static int put(char *to, unsigned size, const char *text) { if (strlen(text) >= size) return 7; strcpy(to, text); return 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { if (index > 1) return 2; *device = &devices[index]; return 0; }
int nvmlDeviceGetName(void *device, char *name, unsigned size) { return put(name, size, *(int *)device == 1 ? "NVIDIA One" : "NVIDIA Two"); }
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) { return *(int *)device == 1 ? put(uuid, size, "GPU-0a") : 3; }
int nvmlDeviceGetMemoryInfo(void *device, Memory *memory) { memory->total = 80ull << 30; memory->used = (unsigned long long)*(int *)device << 30; memory->free = memory->total - memory->used; return 0; }
int nvmlDeviceGetUtilizationRates(void *device, Utilization *load) { load->gpu = 25 * *(int *)device; load->memory = 1; return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned size) { return put(version, size, "550.54.15"); }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12040; return 0; }
`;

function compiled(): string {
  const dir = scratchDir();
  const [source, library] = [join(dir, 'nvml.c'), join(dir, 'libnvml-test.so')];
  writeFileSync(source, kLibrary);
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', library, source], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return library;
}

describe('NVML', () => {
  it('is not needed', async () => {
    assert.equal(openNvml('libnot-there.so.9'), undefined);
    const registry = new Registry();
    gpuMetrics(registry, undefined);
    const text = await registry.metrics();
    assert.match(text, /# HELP otf_gpu_load .*no values on a machine without/);
    assert.doesNotMatch(text, /^otf_gpu_load/m);
  });

  it('gives names, UUIDs, driver and CUDA, memory and load', async () => {
    const nvml = openNvml(compiled());
    assert.deepEqual(nvml?.identity, {
      devices: [
        { name: 'NVIDIA One', uuid: 'GPU-0a' },
        { name: 'NVIDIA Two', uuid: 'unknown' },
      ],
      driver: '550.54.15',
      cuda: '12.4',
    });
    const registry = new Registry();
    gpuMetrics(registry, nvml?.read);
    const text = await registry.metrics();
    assert.match(text, /^otf_gpu_load\{gpu="1",name="NVIDIA Two"\} 0.5$/m);
    assert.match(text, /^otf_gpu_memory_used_bytes\{gpu="0",name="NVIDIA One"\} 1073741824$/m);
    assert.match(text, /^otf_gpu_memory_total_bytes\{gpu="1",name="NVIDIA Two"\} 85899345920$/m);
  });
});
