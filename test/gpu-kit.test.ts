/** The GPU kit: put together from what `npm test` has built, and run as on a machine that has nothing of ours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kFixtures, kRoot, scratchDir } from './support/cli.js';

type Row = Record<string, string | number>;

const scratch = scratchDir();
const kit = join(scratch, 'kit');

function assemble(networks?: string, folder = kit) {
  const options = networks === undefined ? [] : ['--networks', networks];
  const args = [join(kRoot, 'scripts/gpu-kit.mjs'), '--as-built', '-o', folder, ...options];
  return spawnSync(process.execPath, args, { encoding: 'utf8' });
}

/** With an environment that holds nothing at all. */
function run(name: string, args: string[], folder = kit): { status: number | null; said: string; rows: Row[] } {
  const out = join(scratch, name);
  const { status, stdout } = spawnSync('/bin/bash', [join(folder, 'run.sh'), '-o', out, ...args], {
    encoding: 'utf8',
    env: {},
    timeout: 240_000,
  });
  assert.equal(readFileSync(join(out, 'gpu-kit.txt'), 'utf8'), stdout);
  assert.deepEqual(readdirSync(out).sort(), ['gpu-kit.json', 'gpu-kit.txt']);
  return { status, said: stdout, rows: JSON.parse(readFileSync(join(out, 'gpu-kit.json'), 'utf8')) };
}

const of = (rows: Row[], step: string): Row[] => rows.filter((row) => row.step === step);

before(() => {
  const { status, stdout, stderr } = assemble();
  assert.equal(status, 0, stderr);
  assert.match(stdout, /MB: otf-engine, otf-kit/);
});

describe('the GPU kit', () => {
  it('is one folder of less than 60 MB without Node, sources or paths into the checkout', () => {
    const files = readdirSync(kit, { recursive: true, encoding: 'utf8' });
    const bytes = files.reduce((sum, file) => sum + statSync(join(kit, file)).size, 0);
    assert.ok(bytes < 60e6, `${bytes}`);
    assert.deepEqual(
      files.filter((file) => /\.(node|js|mjs|ts|cpp|h)$/.test(file)),
      [],
    );
    assert.ok(files.includes('programs.tar.gz'));
  });

  it('says of every engine here whether it is right and how fast it is', () => {
    const { status, said, rows } = run('all', ['-m', 'demo', '-b', '1,4', 'conformance', 'bench']);
    assert.equal(status, 0, said);
    const [about] = of(rows, 'kit');
    assert.equal(about?.version, JSON.parse(readFileSync(join(kRoot, 'package.json'), 'utf8')).version);
    assert.equal(of(rows, 'machine').length, 1);
    assert.equal(of(rows, 'device').length, 1);
    const engines = of(rows, 'engines').filter((row) => row.available === 1);
    for (const name of ['onednn', 'reference']) assert.ok(engines.some((row) => row.engine === name));
    for (const { engine, types } of engines) {
      for (const type of String(types).split(' ')) {
        const asked = of(rows, 'conformance').filter((row) => row.engine === engine && row.asked === type);
        assert.equal(asked.length, 18, `${engine} ${type}`);
        for (const row of asked) assert.equal(row.verdict, 'right', JSON.stringify(row));
        const timed = of(rows, 'bench').filter((row) => row.engine === engine && row.asked === type);
        const batches = { reference: [], onednn: [8] }[String(engine)] ?? [1, 4];
        assert.deepEqual(
          timed.map((row) => row.batch),
          batches,
        );
        for (const row of timed) assert.ok(Number(row.tilesPerSecond) > 0, JSON.stringify(row));
      }
    }
  });

  it('names the network that an engine gets wrong, goes on and does not exit 0', () => {
    const networks = join(scratch, 'networks');
    cpSync(join(kFixtures, 'networks'), networks, { recursive: true });
    const output = join(networks, 'dense_only.output.npy');
    const bytes = readFileSync(output);
    bytes.writeFloatLE(bytes.readFloatLE(bytes.length - 4) + 1, bytes.length - 4);
    writeFileSync(output, bytes);
    writeFileSync(join(networks, 'yolo_raw.dat'), 'no network');
    const folder = join(scratch, 'other-kit');
    const { status: assembled, stderr } = assemble(networks, folder);
    assert.equal(assembled, 0, stderr);
    const { status, said, rows } = run('wrong', ['conformance'], folder);
    assert.equal(status, 1);
    const verdicts = of(rows, 'conformance').filter((row) => row.engine === 'reference');
    assert.deepEqual(
      verdicts.filter((row) => row.verdict !== 'right').map((row) => [row.network, row.verdict]),
      [
        ['dense_only', 'wrong'],
        ['yolo_raw', 'failed'],
      ],
    );
    assert.match(said, /reference FP32C_FP32A: 16 of 18 networks right/);
    assert.match(String(verdicts.find((row) => row.network === 'yolo_raw')?.reason), /^OTF_MODEL_MALFORMED /);
    assert.equal(
      of(rows, 'failed').length,
      of(rows, 'engines').flatMap((row) => String(row.types ?? '').match(/\S+/g) ?? []).length,
    );
  });

  it('names what it had no time for', () => {
    const { status, rows } = run('late', ['-s', '0', 'limits', 'bench']);
    assert.equal(status, 1);
    const left = of(rows, 'left out').map((row) => String(row.what));
    assert.ok(left.includes('device') && left.includes('engines'), `${left}`);
    assert.ok(
      left.some((what) => what.startsWith('limits')),
      `${left}`,
    );
    assert.ok(
      left.some((what) => what.startsWith('bench onednn FP32C_FP32A')),
      `${left}`,
    );
    assert.deepEqual(of(rows, 'bench'), []);
  });

  it('reads name, driver and memory of the GPU from NVML', () => {
    const folder = join(scratch, 'nvml');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'nvml.c'),
      `typedef struct { unsigned long long total, free, used; } Memory;
       #include <string.h>
       int nvmlInit_v2(void) { return 0; }
       int nvmlShutdown(void) { return 0; }
       int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **device) { *device = (void *)8; return i == 0 ? 0 : 2; }
       int nvmlDeviceGetName(void *device, char *name, unsigned size) { strcpy(name, "NVIDIA One"); return device == (void *)8 && size > 63 ? 0 : 7; }
       int nvmlSystemGetDriverVersion(char *version, unsigned size) { strcpy(version, "580.1"); return size > 63 ? 0 : 7; }
       int nvmlDeviceGetMemoryInfo(void *device, Memory *m) { m->total = 80ull << 30; m->used = 1; m->free = 2; return device == 0; }
       int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) { *milliwatts = 70000; return device == 0; }
      `,
    );
    const library = join(folder, 'libnvidia-ml.so.1');
    const compiled = spawnSync('cc', ['-shared', '-fPIC', '-o', library, join(folder, 'nvml.c')], { encoding: 'utf8' });
    assert.equal(compiled.status, 0, compiled.stderr);
    const { stdout } = spawnSync(join(kRoot, 'build/Release/otf-kit'), ['device'], {
      encoding: 'utf8',
      env: { LD_LIBRARY_PATH: folder },
    });
    assert.equal(stdout, 'NVIDIA One, driver 580.1, 80.0 GiB\n');
  });

  it('refuses a folder that holds something else, and an unknown step', () => {
    const { status, stderr } = assemble(undefined, kFixtures);
    assert.equal(status, 1);
    assert.match(stderr, /fixtures is not empty, and no kit/);
    const asked = spawnSync('/bin/bash', [join(kit, 'run.sh'), 'everything'], { encoding: 'utf8' });
    assert.equal(asked.status, 2);
    assert.match(asked.stderr, /no step 'everything': limits, conformance, bench/);
  });
});
