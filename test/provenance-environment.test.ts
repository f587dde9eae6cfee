/** Where a job ran: in its jobInfo under the observatory's names, and in its provenance. */
import assert from 'node:assert/strict';
import { hostname, release } from 'node:os';
import { describe, it } from 'node:test';
import { environmentOf } from '#otf/provenance/environment.js';
import { kSoftware } from '#otf/version.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kLibraries = { onednn: '2.6.3', cfitsio: '4.2.0', wcslib: '7.12' };

describe('the environment of a run', () => {
  it('names machine, system, versions, commit, and GPUs when there are any', () => {
    const plain = environmentOf(kLibraries, undefined);
    assert.equal(plain['srv.HostName'], hostname());
    assert.ok(plain['srv.KernelVersion']?.includes(release()));
    assert.ok(plain['srv.OS']);
    assert.match(plain['sw.GitCommit'] ?? '', /^([0-9a-f]{40}(-changed)?|unknown)$/);
    assert.deepEqual(
      ['Node', 'oneDNN', 'CFITSIO', 'wcslib', 'cianna-otf'].map((name) => plain[`sw.pkg.${name}`]),
      [process.versions.node, '2.6.3', '4.2.0', '7.12', kSoftware.version],
    );
    assert.ok(!Object.keys(plain).some((name) => name.startsWith('hw.')));
    const devices = [
      { name: 'NVIDIA H100', uuid: 'GPU-1' },
      { name: 'NVIDIA H200', uuid: 'GPU-2' },
    ];
    const gpus = environmentOf(kLibraries, { devices, driver: '550.1', cuda: '12.4' });
    assert.deepEqual(
      ['GPUModel', 'GPUUUID', 'GPUDriver', 'CUDASupportedVersion'].map((name) => gpus[`hw.${name}`]),
      ['NVIDIA H100, NVIDIA H200', 'GPU-1, GPU-2', '550.1', '12.4'],
    );
  });

  it('is told by the job from its reception on, kept over a restart, and in all three notations', async (t) => {
    const image = await field(await tempDir(t), 100, 5);
    const dataDir = await tempDir(t);
    const server = await startTestServer(t, { dataDir });
    const before = Date.now();
    const pending = await server.submit({ PHASE: '' }, image);
    const facts = async (from: typeof server, id: string) => {
      const { xml } = await from.job(id);
      return Object.fromEntries(
        [...xml.matchAll(/<otf:((?:srv|sw|hw|input)\.[^>]+)>([^<]*)</g)].map((m) => [m[1], m[2]]),
      );
    };
    const early = await facts(server, pending);
    assert.equal(early['srv.HostName'], hostname());
    const id = await server.submit({}, image);
    await server.until(id, 'COMPLETED');
    const known = await facts(server, id);
    assert.equal(known['srv.ServerJobUUID'], id);
    const received = Date.parse(known['srv.ServerReceivedAt'] ?? '');
    assert.ok(received >= before && received <= Date.now());
    assert.equal(known['input.FitsFilename'], 'field.fits');
    assert.equal(known['input.FitsSizeBytes'], String(image.length));
    assert.match(known['input.FitsChecksumSHA256'] ?? '', /^[0-9a-f]{64}$/);
    assert.match(known['sw.pkg.CFITSIO'] ?? '', /^\d+\.\d+/);
    assert.match(known['sw.GitCommit'] ?? '', /^([0-9a-f]{40}(-changed)?|unknown)$/);
    for (const notation of ['provjson', 'provn', 'provxml']) {
      const text = await server.text(`/jobs/${id}/results/${notation}`);
      for (const name of ['srv.HostName', 'srv.KernelVersion', 'srv.ServerReceivedAt', 'sw.pkg.oneDNN', 'sw.GitCommit'])
        assert.ok(text.includes(`otf:${name}`), `${notation} ${name}`);
    }
    assert.match(await server.text(`/jobs/${id}/results/result`), /<INFO name="software_commit" value="\w/);
    await server.stop();
    const again = await startTestServer(t, { dataDir });
    assert.deepEqual(await facts(again, id), known);
  });
});
