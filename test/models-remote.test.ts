/** Models from elsewhere: an index, a pull that is checked at every step, a cache by content, a job that keeps its network. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Content } from '#otf/models/remote/content.js';
import { findRemote, parseIndex, type RemoteModel } from '#otf/models/remote/index-file.js';
import { type PullOptions, pullModel, readIndex } from '#otf/models/remote/pull.js';
import { loadRegistry } from '#otf/tasks/cards.js';
import { kCardSections } from '#otf/tasks/registry.js';
import { kProgram, kRoot, runCli } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { startCommand } from './support/peers.js';
import { field, startTestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';

const kFrom = join(kRoot, 'models/demo-continuum');
/** In the cache: files by their content, and the index of the last time. */
const kKept = /^([0-9a-f]{64}|index-[0-9a-f]{64}\.json)$/;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** A place that offers the demonstration model as `pulled`, and counts what is fetched. */
async function shop(
  t: TestContext,
  change: (files: Record<string, Buffer>) => void = () => undefined,
  before: (path: string, fetched: readonly string[]) => Promise<void> = async () => undefined,
) {
  const card = (await readFile(join(kFrom, 'model.toml'), 'utf8'))
    .replace('id = "demo-continuum"', 'id = "pulled"')
    .replace(/^aliases = .*$/m, '');
  const files: Record<string, Buffer> = {
    '/pulled.toml': Buffer.from(card),
    '/pulled.dat': await readFile(join(kFrom, 'weights.dat')),
    '/pulled.txt': await readFile(join(kFrom, 'int8-ranges.txt')),
  };
  const of = (path: string) => ({
    url: `.${path}`,
    size: files[path]?.length,
    sha256: sha256(files[path] ?? Buffer.alloc(0)),
  });
  const entry = {
    ...{
      id: 'pulled',
      version: '1.0',
      licence: 'Apache-2.0',
      doi: '10.5281/zenodo.1',
      trained: { frequency: '1.4 GHz' },
    },
    ...{ card: of('/pulled.toml'), weights: of('/pulled.dat'), calibration: of('/pulled.txt') },
  };
  files['/index.json'] = Buffer.from(JSON.stringify({ format: 'cianna-otf-models/1', models: [entry] }));
  change(files);
  const fetched: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    fetched.push(path);
    await before(path, fetched);
    const file = files[path];
    if (file) response.end(file);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const dir = await tempDir(t);
  const options: PullOptions = {
    ...{ dir: join(dir, 'models'), cache: join(dir, 'cache'), sections: kCardSections, offline: false, replace: false },
  };
  await mkdir(options.dir);
  const index = `http://127.0.0.1:${(server.address() as AddressInfo).port}/index.json`;
  const model = async () => findRemote(await readIndex(index, options.cache), 'pulled');
  return { index, options, fetched, files, model, dir };
}

describe('a model of an index', () => {
  it('is fetched once, checked, put whole among the others, and found again without a network', async (t) => {
    const { options, fetched, model } = await shop(t);
    const found = await model();
    const many = await Promise.all(
      ['a', 'b', 'c'].map((name) => pullModel(found, { ...options, dir: join(options.dir, name) })),
    );
    assert.ok(many.every(({ how }) => how === 'pulled'));
    assert.deepEqual(
      fetched.filter((path) => path !== '/index.json'),
      ['/pulled.toml', '/pulled.dat', '/pulled.txt'],
    );
    assert.equal((await pullModel(found, { ...options, dir: join(options.dir, 'a') })).how, 'there');
    const before = fetched.length;
    assert.equal((await pullModel(found, { ...options, offline: true })).how, 'pulled');
    assert.equal(fetched.length, before);
    const { cards, faults } = await loadRegistry(options.dir);
    assert.deepEqual([cards.map(({ id }) => id), faults], [['pulled'], []]);
    assert.deepEqual((await readdir(options.dir)).sort(), ['a', 'b', 'c', 'pulled']);
    assert.deepEqual(
      (await new Content(options.cache).verify()).map(({ fault }) => fault),
      [undefined, undefined, undefined],
    );
  });

  it('is pulled offline by the index of the last time, or by one that is a file, without a request', async (t) => {
    const { index, options, fetched, files, model, dir } = await shop(t);
    await pullModel(await model(), { ...options, dir: join(dir, 'first') });
    const before = fetched.length;
    const pull = (from: string, ...more: string[]) =>
      startCommand(process.execPath, [
        ...[kProgram, 'models', 'pull', 'pulled', '--offline', '--index', from],
        ...['--models', options.dir, '--cache', options.cache, ...more],
      ]);
    const { code, stdout, stderr } = await pull(index);
    assert.deepEqual([code, /^pulled 1\.0: pulled/.test(stdout)], [0, true], stderr);
    const file = join(dir, 'an index.json');
    await writeFile(file, files['/index.json'] ?? '');
    assert.match((await pull(file)).stdout, /^pulled 1\.0: there/);
    // By absolute paths, too, what lies beside the index is found.
    assert.equal((await readIndex(file, options.cache))[0]?.card?.url, pathToFileURL(join(dir, 'pulled.toml')).href);
    const unknown = await pull(`${index}?other`);
    assert.equal(unknown.code, 1);
    assert.match(
      unknown.stderr,
      /the index http\S+ is not in \S+, and --offline fetches nothing: pull once without it/,
    );
    assert.equal(fetched.length, before);
  });

  it('with one byte changed on its way, another card, or a size that is not its own is refused, and leaves nothing', async (t) => {
    const flip = (bytes: Buffer | undefined) => {
      const changed = Buffer.from(bytes ?? '');
      changed[1000] = (changed[1000] ?? 0) ^ 1;
      return changed;
    };
    const bad: [(files: Record<string, Buffer>) => void, string][] = [
      [(files) => Object.assign(files, { '/pulled.dat': flip(files['/pulled.dat']) }), 'OTF_IMAGE_CHECKSUM'],
      [(files) => Object.assign(files, { '/pulled.toml': flip(files['/pulled.toml']) }), 'OTF_IMAGE_CHECKSUM'],
      [(files) => Object.assign(files, { '/pulled.dat': Buffer.alloc(1 << 20) }), 'OTF_FETCH_TOO_LARGE'],
    ];
    for (const [change, code] of bad) {
      const { options, model } = await shop(t, change);
      await assert.rejects(pullModel(await model(), options), { code });
      assert.deepEqual(await readdir(options.dir), []);
      assert.ok((await readdir(options.cache)).every((name) => kKept.test(name)));
    }
    const { options, model } = await shop(t);
    const found = await model();
    const { calibration: _, ...without } = found;
    await assert.rejects(pullModel(without, options), { code: 'OTF_MODEL_INDEX', message: /names a calibration/ });
    const other: RemoteModel = { ...found, id: 'other' };
    await assert.rejects(pullModel(other, options), { code: 'OTF_MODEL_INDEX', message: /card of other is of pulled/ });
    await assert.rejects(pullModel(found, { ...options, cache: `${options.cache}2`, offline: true }), {
      code: 'OTF_FETCH_REFUSED',
    });
  });

  it('damaged in the cache or the folder is found by verify, and by a pull', async (t) => {
    const { options, model, index, dir } = await shop(t);
    const env = { CIANNA_OTF_CACHE: options.cache, CIANNA_OTF_MODELS_DIR: options.dir, CIANNA_OTF_INDEX: index };
    await pullModel(await model(), options);
    assert.equal(runCli(['models', 'verify'], dir, env).code, 0);
    await writeFile(join(options.dir, 'pulled/weights.dat'), 'x');
    const { code, stdout, stderr } = runCli(['models', 'verify'], dir, env);
    assert.equal(code, 1);
    assert.match(stdout, /^bad {3}pulled$/m);
    assert.match(stderr, /pulled.*has sha256/);
  });

  it('of another version waits for --replace; the id of one that is gone from the index is told', async (t) => {
    const { options, model } = await shop(t);
    const found = await model();
    await pullModel(found, options);
    await writeFile(
      join(options.dir, 'pulled/model.toml'),
      `# mine\n${await readFile(join(options.dir, 'pulled/model.toml'), 'utf8')}`,
    );
    await assert.rejects(pullModel(found, options), { message: /another version of pulled: --replace/ });
    assert.equal((await pullModel(found, { ...options, replace: true })).how, 'replaced');
    assert.deepEqual(await readdir(options.dir), ['pulled']);
    assert.throws(() => findRemote([found], 'pulled@2.0'), {
      code: 'OTF_MODEL_UNKNOWN',
      message: /it has pulled@1\.0/,
    });
  });

  it('two pulls at once download once', async (t) => {
    // Nothing is given before both have the index and are after the same.
    const both = (path: string, fetched: readonly string[]) =>
      path === '/index.json'
        ? Promise.resolve()
        : until(() => fetched.filter((each) => each === '/index.json').length === 2, 'one pull does not begin', 120);
    const { index, options, fetched, dir } = await shop(t, undefined, both);
    const pull = async (name: string) => {
      const models = join(dir, name);
      await mkdir(models);
      const args = [process.execPath, join(kRoot, 'bin/cianna-otf.js'), 'models', 'pull', 'pulled', '--models', models];
      return startCommand('env', [`CIANNA_OTF_CACHE=${options.cache}`, `CIANNA_OTF_INDEX=${index}`, ...args]);
    };
    const pulled = await Promise.all([pull('one'), pull('two')]);
    for (const { code, stderr } of pulled) assert.equal(code, 0, stderr);
    assert.deepEqual(fetched.filter((path) => path !== '/index.json').sort(), [
      '/pulled.dat',
      '/pulled.toml',
      '/pulled.txt',
    ]);
    for (const name of ['one', 'two']) {
      const weights = await readFile(join(dir, name, 'pulled', 'weights.dat'));
      assert.equal(sha256(weights), sha256(await readFile(join(kFrom, 'weights.dat'))), name);
    }
    assert.ok((await readdir(options.cache)).every((name) => kKept.test(name)));
  });

  it("the lock of a pull that was killed is nobody's", async (t) => {
    const { options, model } = await shop(t);
    const found = await model();
    await mkdir(options.cache, { recursive: true });
    await writeFile(join(options.cache, `${found.weights.sha256}.lock`), '999999999');
    assert.equal((await pullModel(found, options)).how, 'pulled');
  });

  it('of two that find such a lock at once the last one has it', async (t) => {
    const cache = await tempDir(t);
    const bytes = Buffer.from('weights');
    const name = sha256(bytes);
    const lock = join(cache, `${name}.lock`);
    await writeFile(lock, '999999999');
    const got = new Content(cache, 5000).get(name, () => Promise.reject(new Error('it was brought twice')));
    await until(async () => (await readFile(lock, 'utf8')).startsWith(`${process.pid} `), 'the lock stays');
    // As another one leaves it, and ends.
    await writeFile(lock, `${process.pid} other`);
    await writeFile(join(cache, name), bytes);
    assert.equal(await got, join(cache, name));
    assert.equal(await readFile(lock, 'utf8'), `${process.pid} other`, "another one's lock is left alone");
  });
});

describe('an index', () => {
  it('is refused with the key that is wrong', () => {
    const at = 'https://example.org/i.json';
    for (const [text, pattern] of [
      ['no', /neither JSON nor XML/],
      ['{"format":"other","models":[]}', /format/],
      ['{"format":"cianna-otf-models/1","models":[{"id":"A"}]}', /models\.0/],
    ] as [string, RegExp][]) {
      assert.throws(() => parseIndex(text, at), { code: 'OTF_MODEL_INDEX', message: pattern });
    }
  });

  it('of the observatory is read; it has no checksums, so that nothing of it is taken unseen', async (t) => {
    const { options } = await shop(t);
    const xml = runCli(['models', 'list', '--xml'], kRoot).stdout.replace(
      '</uws:parameters>',
      '<uws:parameter id="ModelURL">https://example.org/net0.dat</uws:parameter></uws:parameters>',
    );
    const [model] = parseIndex(xml, 'https://example.org/CIANNA_models.xml');
    assert.deepEqual([model?.id, model?.weights.url], ['demo-continuum', 'https://example.org/net0.dat']);
    assert.ok(model);
    await assert.rejects(pullModel(model, options), { code: 'OTF_MODEL_INDEX', message: /no card and checksum/ });
  });
});

it('models list --remote and models pull speak of it; a server runs what was pulled, and a job keeps its network', async (t) => {
  const { index, options, dir } = await shop(t);
  // Beside this process, whose shop must answer.
  const run = (...args: string[]) =>
    startCommand('env', [
      ...[`CIANNA_OTF_CACHE=${options.cache}`, `CIANNA_OTF_INDEX=${index}`],
      ...[process.execPath, join(kRoot, 'bin/cianna-otf.js'), 'models', ...args],
    ]);
  const list = await run('list', '--remote');
  assert.match(list.stdout, /pulled +1\.0 .*Apache-2\.0 +10\.5281\/zenodo\.1 +1\.4 GHz/);
  assert.equal((await run('pull', 'pulled')).code, 2, 'not among those of the program');
  const pulled = await run('pull', 'pulled', '--models', options.dir);
  assert.equal(pulled.code, 0, pulled.stderr);
  await cp(kFrom, join(options.dir, 'demo-continuum'), { recursive: true });
  const dataDir = await tempDir(t);
  const server = await startTestServer(t, { models: options.dir, dataDir });
  const image = await field(dir, 256);
  const id = await server.submit({ MODEL: 'pulled' }, image);
  const { info } = await server.until(id, 'COMPLETED');
  assert.match(info.modelSha256 ?? '', /^[0-9a-f]{64}$/);
  assert.ok((await server.text(`/jobs/${id}/results/provjson`)).includes(info.modelSha256 ?? '?'));
  const waiting = await server.submit({ MODEL: 'pulled', PHASE: '' }, image);
  await server.stop();
  // Another network under the same name.
  const card = join(options.dir, 'pulled/model.toml');
  const weights = Buffer.concat([await readFile(join(kFrom, 'weights.dat'))]);
  weights[weights.length - 1] = (weights.at(-1) ?? 0) ^ 1;
  await writeFile(join(options.dir, 'pulled/weights.dat'), weights);
  await writeFile(card, (await readFile(card, 'utf8')).replace(/^sha256 = .*$/m, `sha256 = "${sha256(weights)}"`));
  const again = await startTestServer(t, { models: options.dir, dataDir });
  await again.send(`/jobs/${waiting}/phase`, { method: 'POST', body: new URLSearchParams({ PHASE: 'RUN' }) });
  assert.match((await again.until(waiting, 'ERROR')).error, /the model pulled was replaced: .* submit the job again/);
});
