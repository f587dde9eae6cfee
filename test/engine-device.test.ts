/** engine.devices: what is asked for is used, or refused at the start. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseDevice, type DeviceParts, deviceEnvironment } from '#otf/engine/device.js';
import { runCli, scratchDir } from './support/cli.js';

const kCuda = { name: 'cianna:cuda', version: '1', device: 'GPU', available: true, reason: '', computeTypes: [] };
const kNone = { ...kCuda, name: 'cianna', available: false, reason: 'built without it' };

function choose(devices: string[], more: Partial<DeviceParts> = {}) {
  return chooseDevice({
    devices,
    engine: 'auto',
    demands: [{ id: 'm' }],
    gpus: 2,
    describe: () => [kCuda],
    resolve: async (name) => (name === 'auto' ? 'cianna:cuda' : name),
    ...more,
  });
}

describe('engine.devices', () => {
  it('auto is what the engine takes, cpu keeps it from GPUs, gpu:N shows it one', async () => {
    assert.deepEqual(await choose(['auto']), { engine: 'cianna:cuda' });
    assert.deepEqual(await choose(['cpu']), { engine: 'onednn' });
    assert.deepEqual(await choose(['cpu'], { engine: 'cianna:blas' }), { engine: 'cianna:blas' });
    assert.deepEqual(await choose(['gpu:1']), { engine: 'cianna:cuda', gpu: 1 });
    assert.deepEqual(await choose(['gpu:7'], { gpus: undefined }), { engine: 'cianna:cuda', gpu: 7 });
    const seen = deviceEnvironment(1);
    assert.deepEqual([seen.CUDA_VISIBLE_DEVICES, seen.CUDA_DEVICE_ORDER], ['1', 'PCI_BUS_ID']);
    assert.equal(deviceEnvironment(undefined), process.env);
  });

  it('what cannot be is refused with the reason', async () => {
    const refused = (message: RegExp, devices: string[], more: Partial<DeviceParts> = {}) =>
      assert.rejects(choose(devices, more), { code: 'OTF_CONFIG_INVALID', message });
    await refused(/one device is used/, ['gpu:0', 'gpu:1']);
    for (const wrong of ['gpu0', '0', 'cuda:0', 'gpu:', 'GPU:0'])
      await refused(/is none: auto, cpu and gpu:N/, [wrong]);
    await refused(/gpu:2 is not there: this machine has 2/, ['gpu:2']);
    await refused(/needs cianna:cuda: built without it/, ['gpu:0'], { describe: () => [kNone] });
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
