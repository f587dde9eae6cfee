/** engine.devices: what is asked for is used, or refused at the start. */
import assert from 'node:assert/strict';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseCpuSet, printCpuSet, shareCpus } from '#otf/engine/cpu-sets.js';
import { canRun, chooseDevices, type DeviceParts, deviceEnvironment } from '#otf/engine/device.js';
import { EngineProcess } from '#otf/engine/process.js';
import { runCli, scratchDir } from './support/cli.js';
import { atEnd } from './support/endings.js';

const kCuda = { name: 'cianna:cuda', version: '1', device: 'GPU', available: true, reason: '', computeTypes: [] };
const kNone = { ...kCuda, name: 'cianna', available: false, reason: 'built without it' };

function choose(devices: string[], more: Partial<DeviceParts> = {}) {
  return chooseDevices({
    devices,
    engine: 'auto',
    demands: [{ id: 'm' }],
    gpus: 2,
    cpus: () => [0, 1, 2, 3, 8, 9],
    describe: () => [kCuda],
    resolve: async (name) => (name === 'auto' ? 'cianna:cuda' : name),
    ...more,
  });
}

describe('engine.devices', () => {
  it('auto is what the engine takes, cpu keeps it from GPUs, gpu:N shows it one', async () => {
    assert.deepEqual(await choose(['auto']), [{ name: 'auto', engine: 'cianna:cuda' }]);
    assert.deepEqual(await choose(['cpu']), [{ name: 'cpu', engine: 'onednn' }]);
    assert.deepEqual(await choose(['cpu'], { engine: 'cianna:blas' }), [{ name: 'cpu', engine: 'cianna:blas' }]);
    assert.deepEqual(await choose(['gpu:1']), [{ name: 'gpu:1', engine: 'cianna:cuda', gpu: 1 }]);
    const unknown = await choose(['gpu:7'], { gpus: undefined });
    assert.deepEqual(unknown, [{ name: 'gpu:7', engine: 'cianna:cuda', gpu: 7 }]);
    const own = await choose(['gpu:1'], { engine: 'cuda', describe: () => [{ ...kCuda, name: 'cuda' }] });
    assert.deepEqual(own, [{ name: 'gpu:1', engine: 'cuda', gpu: 1 }]);
    assert.deepEqual(deviceEnvironment(1), ['CUDA_DEVICE_ORDER=PCI_BUS_ID', 'CUDA_VISIBLE_DEVICES=1']);
    assert.deepEqual(deviceEnvironment(undefined), []);
  });

  it('go with an engine there is: another is named at the start, and not by every job', async () => {
    const wrong = { code: 'OTF_CONFIG_INVALID', message: /^engine\.default: "onednnn" is none of auto, onednn, / };
    for (const devices of [['auto'], ['cpu'], ['gpu:0']])
      await assert.rejects(choose(devices, { engine: 'onednnn' }), wrong);
    for (const engine of ['reference', 'cianna', 'cuda']) await choose(['auto'], { engine });
  });

  it('several: GPUs, sets of CPUs, and both', async () => {
    assert.deepEqual(
      (await choose(['gpu:1', 'gpu:0'])).map(({ name, gpu }) => [name, gpu]),
      [
        ['gpu:1', 1],
        ['gpu:0', 0],
      ],
    );
    assert.deepEqual(await choose(['cpu:0-1', 'cpu:8+2']), [
      { name: 'cpu:0-1', engine: 'onednn', cpus: [0, 1] },
      { name: 'cpu:2+8', engine: 'onednn', cpus: [2, 8] },
    ]);
    assert.deepEqual(await choose(['gpu:0', 'cpu']), [
      { name: 'gpu:0', engine: 'cianna:cuda', gpu: 0 },
      { name: 'cpu', engine: 'onednn' },
    ]);
  });

  it('cpu several times shares the CPUs that no set names', async () => {
    const names = async (...devices: string[]) => (await choose(devices)).map(({ name }) => name);
    assert.deepEqual(await names('cpu', 'cpu'), ['cpu:0-2', 'cpu:3+8-9']);
    assert.deepEqual(await names('cpu', 'cpu:1', 'cpu'), ['cpu:0+2-3', 'cpu:1', 'cpu:8-9']);
    assert.deepEqual(await names('cpu:0', 'cpu'), ['cpu:0', 'cpu:1-3+8-9']);
  });

  it('a model whose card demands a GPU goes where one is', async () => {
    const demands = [{ id: 'x', engine: 'cianna:cuda' }];
    const [gpu, cpu] = await choose(['gpu:0', 'cpu'], { demands });
    assert.ok(gpu && cpu);
    assert.deepEqual([canRun(gpu, 'cianna:cuda'), canRun(cpu, 'cianna:cuda')], [true, false]);
    assert.deepEqual([canRun(gpu, 'onednn'), canRun(cpu, 'onednn'), canRun(cpu, undefined)], [true, true, true]);
  });

  it('what cannot be is refused with the reason', async () => {
    const refused = (message: RegExp, devices: string[], more: Partial<DeviceParts> = {}) =>
      assert.rejects(choose(devices, more), { code: 'OTF_CONFIG_INVALID', message });
    await refused(/auto is one device/, ['auto', 'gpu:1']);
    await refused(/gpu:0 is named twice/, ['gpu:0', 'gpu:0']);
    for (const wrong of [
      'gpu0',
      '0',
      'cuda:0',
      'gpu:',
      'GPU:0',
      'cpus',
      'cpu:',
      'cpu:a',
      'cpu:3-1',
      'cpu:1+1',
      'cpu:-1',
    ])
      await refused(/is none: auto, cpu, cpu:0-3/, [wrong]);
    await refused(/cpu:2-4: this process may not use CPU 4, only 0-3\+8-9/, ['cpu:2-4']);
    await refused(/cpu:1-2: CPU 1 belongs to another device/, ['cpu:0-1', 'cpu:1-2']);
    await refused(/cpu 2 times, but 1 of the CPUs are left/, ['cpu:0-3+8', 'cpu', 'cpu']);
    await refused(/gpu:2 is not there: this machine has 2/, ['gpu:0', 'gpu:2']);
    await refused(/needs cianna:cuda: built without it/, ['gpu:0'], { describe: () => [kNone] });
    const blind = { ...kCuda, name: 'cuda', available: false, reason: 'no NVIDIA driver here' };
    await refused(/needs cuda: no NVIDIA driver here/, ['gpu:0'], { engine: 'cuda', describe: () => [blind, kCuda] });
    await refused(/engine\.default "cuda" may use a GPU/, ['cpu'], { engine: 'cuda' });
    await refused(/engine\.default "onednn" runs on CPUs/, ['gpu:0'], { engine: 'onednn' });
    await refused(/engine\.default "cianna" may use a GPU/, ['cpu'], { engine: 'cianna' });
    await refused(/model x demands cianna:cuda/, ['cpu'], { demands: [{ id: 'x', engine: 'cianna:cuda' }] });
  });

  it('ends the start of a server', () => {
    const dir = scratchDir();
    const env = { CIANNA_OTF_ENGINE_DEVICES: 'gpu0' };
    const { code, stderr } = runCli(['serve', '--port', '0', '--data-dir', dir], dir, env);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^cianna-otf: engine\.devices: "gpu0" is none/m);
  });
});

describe('An engine process', () => {
  it('is told the CPUs it keeps to, and sees its GPU only', async (t) => {
    const dir = scratchDir();
    const program = join(dir, 'engine');
    await writeFile(program, `#!/bin/sh\necho "$CUDA_VISIBLE_DEVICES $@" > ${dir}/$CUDA_VISIBLE_DEVICES\n`, {
      mode: 0o755,
    });
    process.env.OTF_ENGINE_PROGRAM = program;
    atEnd(t, () => {
      process.env.OTF_ENGINE_PROGRAM = '';
    });
    const slots = await open('/dev/null');
    atEnd(t, () => slots.close());
    const spec = {
      ...{
        network: { path: 'n.dat', sha256: '0'.repeat(64) },
        engine: 'cuda',
        quantization: 'FP32C_FP32A',
        threads: 0,
        inputBias: 0.1,
      },
      calibration: { path: 'r.txt', sha256: '1'.repeat(64) },
      item: { width: 8, height: 8, depth: 1 },
      ...{ batch: 1, slots: 1, slotBytes: 4096, slotsFd: slots.fd },
    };
    for (const gpu of [0, 1]) await assert.rejects(EngineProcess.start({ ...spec, gpu, cpus: [gpu, 2, 3] }, 10_000));
    assert.match(await readFile(join(dir, '0'), 'utf8'), /^0 --network n\.dat .*--cpus 0,2-3$/m);
    // With what the files must have.
    assert.match(
      await readFile(join(dir, '0'), 'utf8'),
      / --network-sha256 0{64} .*--calibration r\.txt --calibration-sha256 1{64} /,
    );
    assert.match(await readFile(join(dir, '1'), 'utf8'), /^1 --network n\.dat .*--cpus 1-3$/m);
  });
});

describe('Sets of CPUs', () => {
  it('are read and printed as ranges', () => {
    assert.deepEqual(parseCpuSet('0-2,7'), [0, 1, 2, 7]);
    assert.deepEqual(parseCpuSet('7+0-2'), [0, 1, 2, 7]);
    for (const wrong of ['', '1-', '1++2', 'x', '1 2', '2-1', '0-1+1'])
      assert.equal(parseCpuSet(wrong), undefined, wrong);
    assert.equal(printCpuSet([0, 1, 2, 4, 6, 7]), '0-2+4+6-7');
    assert.equal(printCpuSet([3], ','), '3');
  });

  it('are shared in equal parts', () => {
    assert.deepEqual(shareCpus([0, 1, 2, 3], 2), [
      [0, 1],
      [2, 3],
    ]);
    assert.deepEqual(
      shareCpus([0, 1, 2, 3, 4, 5, 6], 3).map((part) => part.length),
      [3, 2, 2],
    );
    assert.deepEqual(shareCpus([], 0), []);
  });
});
