/** The Open Inference Protocol v2: tensors through the engines of the jobs (src/inference, src/run/local/tensors.ts). */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { assertWritable, readCall } from '#otf/inference/tensors.js';
import { kRoot, runOk } from './support/cli.js';
import { readNpy, writeNpy } from './support/npy.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';

const kSide = 256;
const kPath = '/v2/models/demo-continuum';

/** Pixels as normalisation leaves them. */
function pixels(items: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: items * kSide * kSide }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 33;
  });
}

interface Answered {
  outputs: { name: string; shape: number[]; data: number[]; parameters?: { binary_data_size: number } }[];
  parameters: Record<string, unknown>;
  [name: string]: unknown;
}

function input(items: number, more: object) {
  return { name: 'input', shape: [items, 1, 1, kSide, kSide], datatype: 'FP32', ...more };
}

async function post(
  server: TestServer,
  body: Buffer | object,
  headers: Record<string, string> = {},
): Promise<Response> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return server.send(`${kPath}/infer`, { method: 'POST', body: new Uint8Array(bytes), headers });
}

async function inferBinary(server: TestServer, values: Float32Array, items: number): Promise<Float32Array> {
  const inputs = [input(items, { parameters: { binary_data_size: values.byteLength } })];
  const head = Buffer.from(JSON.stringify({ id: 'mine', inputs, parameters: { binary_data_output: true } }));
  const body = Buffer.concat([head, Buffer.from(values.buffer)]);
  const answer = await post(server, body, { 'Inference-Header-Content-Length': String(head.length) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.status, 200, bytes.toString());
  const length = Number(answer.headers.get('inference-header-content-length'));
  const told = JSON.parse(bytes.subarray(0, length).toString()) as Answered;
  assert.equal(told.id, 'mine');
  assert.equal(told.outputs[0]?.parameters?.binary_data_size, bytes.length - length);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + length, bytes.byteOffset + bytes.length));
}

describe('the inference protocol', () => {
  it('gives what infer gives, bit for bit, in JSON and in bytes, beside jobs', async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const values = pixels(3, 7);
    writeNpy(join(dir, 'x.npy'), [3, 1, 1, kSide, kSide], values);
    const weights = join(kRoot, 'models/demo-continuum/weights.dat');
    const args = ['--quantization', 'FP32C_FP32A'];
    runOk(['infer', '--model', weights, '--input', 'x.npy', '--output', 'y.npy', ...args], dir);
    const own = readNpy(join(dir, 'y.npy')).values;

    const image = await field(dir, 1500, 4);
    const jobs = await Promise.all(Array.from({ length: 4 }, () => server.submit({}, image)));
    const [one, two] = await Promise.all([inferBinary(server, values, 3), inferBinary(server, values, 3)]);
    assert.deepEqual(Buffer.from(one?.buffer ?? []), Buffer.from(own.buffer));
    assert.deepEqual(two, one);
    const answer = await post(server, { inputs: [input(3, { data: [...values] })] });
    const told = (await answer.json()) as Answered;
    assert.deepEqual(Float32Array.from(told.outputs[0]?.data ?? []), own);
    assert.deepEqual(told.outputs[0]?.shape, [3, own.length / 3]);
    assert.equal(told.parameters.quantization, 'FP32C_FP32A');
    const catalogues = new Set<string>();
    for (const id of jobs) {
      await server.until(id, 'COMPLETED');
      catalogues.add(await server.text(`/jobs/${id}/results/csv`));
    }
    const alone = await server.submit({}, image);
    await server.until(alone, 'COMPLETED');
    catalogues.add(await server.text(`/jobs/${alone}/results/csv`));
    assert.equal(catalogues.size, 1, 'jobs beside tensors give what they give alone');
    assert.equal(await server.stop(), 0);
  });

  it('tells of server and models', async (t) => {
    const server = await startTestServer(t);
    const get = async (path: string) => {
      const answer = await server.send(path);
      return { status: answer.status, ...((await answer.json()) as object) } as Record<string, unknown> & {
        status: number;
      };
    };
    assert.equal((await get('/v2')).name, 'cianna-otf');
    assert.deepEqual(await get('/v2/health/live'), { status: 200, live: true });
    await until(async () => (await get('/v2/health/ready')).ready === true, 'it is not ready', 60);
    const model = await get(kPath);
    assert.deepEqual(model.inputs, [{ name: 'input', datatype: 'FP32', shape: [-1, 1, 1, kSide, kSide] }]);
    const [version] = model.versions as string[];
    assert.deepEqual(await get(`${kPath}/versions/${version}/ready`), {
      status: 200,
      name: 'demo-continuum',
      ready: true,
    });
    for (const path of [`${kPath}/versions/7`, '/v2/models/nobody', '/v2/models/nobody/ready']) {
      const none = await get(path);
      assert.deepEqual([none.status, typeof none.error], [404, 'string'], path);
    }
  });

  it('refuses what is no request of it in one line, before it takes memory', async (t) => {
    const server = await startTestServer(t, { env: { CIANNA_OTF_INFERENCE_MAX_MB: '1' } });
    const data = Array.from({ length: kSide * kSide }, () => 0);
    const cases: [object | Buffer, number, RegExp, Record<string, string>?][] = [
      [Buffer.from('{'), 400, /no JSON/],
      [{ inputs: [] }, 400, /inputs/],
      [{ inputs: [input(1, { data, name: 'x' })] }, 400, /"x" is none of this model/],
      [{ inputs: [input(1, { data, datatype: 'FP16' })] }, 400, /"FP16" is not taken/],
      [{ inputs: [{ ...input(1, { data }), shape: [1, 3] }] }, 422, /the shape \[1,3\] is not/],
      [{ inputs: [{ ...input(1, { data }), shape: [0, 256, 256] }] }, 422, /the shape/],
      [{ inputs: [input(1, { data: data.slice(1) })] }, 400, /data has 65535 values/],
      [{ inputs: [input(1, { data: [...data, 1] })] }, 400, /more than 65536/],
      [{ inputs: [input(1, { data: ['a'] })] }, 400, /not of numbers/],
      [{ inputs: [input(1, { parameters: { binary_data_size: 4 } })] }, 400, /binary_data_size 4/],
      [{ inputs: [input(1, {})] }, 400, /expected data/],
      [{ inputs: [input(1, { data })], outputs: [{ name: 'y' }] }, 400, /"y" is none/],
      [{ inputs: [input(1, { data })], parameters: { quantization: 'FP8' } }, 422, /FP8/],
      [
        { inputs: [input(1, { data })] },
        400,
        /is no length of this body/,
        { 'Inference-Header-Content-Length': '99999999' },
      ],
      [randomBytes((1 << 20) + 1), 413, /larger than 1 MB/],
    ];
    for (const [body, status, says, headers] of cases) {
      const answer = await post(server, body, headers);
      const { error } = (await answer.json()) as { error: string };
      assert.equal(answer.status, status, error);
      assert.match(error, says);
    }
    // Numbers nobody can nest as deep.
    let deep: unknown = 1;
    for (let depth = 0; depth < 20; depth++) deep = [deep];
    const body = Buffer.from(JSON.stringify({ inputs: [{ ...input(1, { data: deep }), shape: [1, 1] }] }));
    assert.throws(() => readCall(body, '', 1), /nested too deep/);
  });

  it('reads and writes no JSON that would keep others waiting, and says how more comes and goes', () => {
    const head = (data: object) => JSON.stringify({ inputs: [{ ...input(1, data), shape: [1, 1] }] });
    const long = Buffer.from(head({ data: [1] }).padEnd(8 * 2 ** 20 + 1));
    assert.throws(() => readCall(long, '', 1), /the JSON is larger than 8 MiB: send the tensor as binary data/);
    const bytes = head({ parameters: { binary_data_size: 4 } });
    assert.throws(() => readCall(Buffer.concat([long, Buffer.alloc(4)]), String(long.length), 1), /8 MiB/);
    const call = readCall(Buffer.concat([Buffer.from(bytes), Buffer.alloc(4)]), String(bytes.length), 1);
    assertWritable(call, 2 ** 18);
    assert.throws(() => assertWritable(call, 2 ** 18 + 1), /has 262145 values, JSON is written of 262144: ask for/);
    assertWritable({ ...call, binary: true }, 2 ** 18 + 1);
  });

  it('takes as many at a time as it may', async (t) => {
    const server = await startTestServer(t, { env: { CIANNA_OTF_INFERENCE_AT_ONCE: '0' } });
    const answer = await post(server, { inputs: [] });
    assert.equal(answer.status, 503);
    assert.ok(answer.headers.get('retry-after'));
  });
});
