/** Who may do what: every address of the API as a stranger, as another user, with a token that is expired, revoked or too small. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { changeTokens, readTokens } from '#otf/auth/token-file.js';
import { accessOf } from '#otf/http/route.js';
import { kRoutes } from '#otf/http/routes.js';
import { bench, tempDir } from './service/bench.js';
import { bearer, give, peopled } from './service/people.js';
import { rawExchange } from './service/raw.js';
import { runCli } from './support/cli.js';
import { field, startTestServer } from './support/server.js';

const kNoChown = process.geteuid?.() === 0 && chownable() ? false : 'only root gives files away';

/** Root of a namespace of users has no others. */
function chownable(): boolean {
  return spawnSync('true', { uid: 1235, gid: 5679 }).status === 0;
}

/** Addresses of the whole API about this job. */
function addresses(id: string): { method: string; path: string; access: string }[] {
  const fill = (path: string) =>
    path
      .replace(':id', id)
      .replace(':result', 'result')
      .replace(/(parameters)\/:name/, '$1/IMAGE');
  return kRoutes.flatMap((route) =>
    ['GET', 'POST', 'DELETE', 'PUT'].map((method) => ({
      method,
      path: fill(route.path).replace(':name', 'CIANNA_models.xml'),
      access: accessOf(route, method),
    })),
  );
}

describe('a server with tokens', () => {
  it('lets a stranger see nothing of anybody, at any address, by any method', async (t) => {
    const { b, tokens, id } = await peopled(t);
    for (const { method, path, access } of addresses(id)) {
      for (const headers of [
        {},
        bearer(tokens.late),
        bearer('otf_000000000000_x'),
        bearer('a.b.c'),
        { authorization: 'Basic eDp5' },
      ]) {
        const answer = await b.send(path, { method, headers });
        const text = await answer.text();
        const what = `${method} ${path} ${JSON.stringify(headers).slice(0, 40)}`;
        assert.ok(!text.includes('ada-secret-run') && !text.includes(id), what);
        if (access === 'open') assert.notEqual(answer.status, 401, what);
        else {
          assert.equal(answer.status, 401, what);
          assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer realm="cianna-otf"/, what);
        }
      }
    }
    assert.match(await b.text('/jobs', { headers: bearer(tokens.late) }), /expired at/);
    assert.match(await b.text('/jobs'), /say who you are/);
  });

  it('tells clients of the Virtual Observatory how to say who they are (VOSI capabilities)', async (t) => {
    const methods = async (b: Awaited<ReturnType<typeof bench>>) => {
      const text = await b.text('/capabilities');
      const [, jobs = ''] = /UWS#rest-1.1">([\s\S]*?)<\/capability>/.exec(text) ?? [];
      const [, open = ''] = /VOSI#availability">([\s\S]*?)<\/capability>/.exec(text) ?? [];
      assert.doesNotMatch(open, /securityMethod/);
      return [...jobs.matchAll(/<securityMethod( standardID="ivo:\/\/ivoa.net\/sso#(\w+)")?\/>/g)].map(
        ([, , name = 'none']) => name,
      );
    };
    assert.deepEqual(await methods(await bench(t)), ['none']);
    const { b } = await peopled(t);
    assert.deepEqual(await methods(b), ['BasicAA', 'OAuth']);
    const mixed = await peopled(
      t,
      {},
      { auth: { anonymous: 'read', oidc_issuer: 'https://issuer.invalid', oidc_audience: 'x' } },
    );
    assert.deepEqual(await methods(mixed.b), ['none', 'BasicAA', 'OAuth', 'OpenID']);
  });

  it('says in its description which scope an address wants, and what it says to those who have none', async (t) => {
    const b = await bench(t);
    interface Described {
      security?: unknown[];
      'x-scope'?: string;
      responses: Record<string, unknown>;
    }
    const { paths } = (await (await b.send('/openapi.json')).json()) as {
      paths: Record<string, Record<string, Described>>;
    };
    assert.equal(paths['/jobs']?.post?.['x-scope'], 'write');
    assert.equal(paths['/jobs/{id}']?.get?.['x-scope'], 'read');
    assert.equal(paths['/metrics']?.get?.['x-scope'], 'metrics');
    assert.ok(paths['/jobs']?.get?.responses[401] && paths['/jobs']?.get?.security);
    assert.equal(paths['/healthz']?.get?.responses[401], undefined);
  });

  it('gives another user what it gives for a job that is not there, and changes nothing for him', async (t) => {
    const { tokens, as, id } = await peopled(t);
    while (!(await (await as(tokens.ada)(`/jobs/${id}/phase`)).text()).startsWith('COMPLETED'))
      await new Promise(setImmediate);
    const absent = `j${'0'.repeat(32)}`;
    for (const { method, path, access } of addresses(id)) {
      if (!path.includes(id)) continue;
      const body = method === 'POST' ? new URLSearchParams({ PHASE: 'ABORT' }) : null;
      const other = await as(tokens.bob)(path, { method, body });
      const nobody = await as(tokens.bob)(path.replace(id, absent), { method, body });
      // What workers ask for is nobody's own.
      const status = access === 'work' ? 403 : 404;
      assert.equal(other.status, status, `${method} ${path}`);
      assert.equal(nobody.status, status);
      assert.equal(await other.text(), await nobody.text(), `${method} ${path}`);
    }
    assert.ok(!(await (await as(tokens.bob)('/jobs')).text()).includes(id));
    assert.match(await (await as(tokens.bob)(`/links?ID=${id}`)).text(), /NotFoundFault/);
    assert.equal((await as(tokens.bob)(`/events?JOB=${id}`)).status, 404);
    const copy = new URLSearchParams({ IMAGE: `job:${id}/IMAGE`, PHASE: 'RUN' });
    assert.equal((await as(tokens.bob)('/jobs', { method: 'POST', body: copy })).status, 400);
    assert.match(await (await as(tokens.ada)(`/jobs/${id}`)).text(), /<uws:phase>COMPLETED</);
    assert.match(await (await as(tokens.root)(`/jobs/${id}`)).text(), /<uws:ownerId>ada</);
    assert.ok((await (await as(tokens.root)('/jobs')).text()).includes(id));
  });

  it('tells each of the events of his own jobs, and an admin of all', async (t) => {
    const { b, tokens, as, id } = await peopled(t, { hold: true });
    const listening = new AbortController();
    const heard = { ada: '', bob: '', root: '' };
    for (const name of ['ada', 'bob', 'root'] as const) {
      const { body } = await as(tokens[name])('/events', { signal: listening.signal });
      const read = async () => {
        for await (const piece of body ?? []) heard[name] += Buffer.from(piece).toString();
      };
      read().catch(() => undefined);
    }
    b.executor.release();
    while (!heard.ada.includes('COMPLETED') || !heard.root.includes('COMPLETED')) await new Promise(setImmediate);
    await as(tokens.ada)(`/jobs/${id}`, { method: 'DELETE' });
    while (!heard.root.includes('DELETED')) await new Promise(setImmediate);
    listening.abort();
    assert.ok(heard.ada.includes('progress') && heard.ada.includes('DELETED'));
    assert.ok(!heard.bob.includes(id), heard.bob);
  });

  it('ends the events of a token that is revoked, before it hears more', async (t) => {
    const { b, path, tokens, as, id } = await peopled(t, { hold: true });
    const { body } = await as(tokens.ada)('/events');
    const heard: Promise<string> = new Response(body).text();
    await changeTokens(path, (all) => {
      for (const [index, { owner }] of all.entries()) if (owner === 'ada') all.splice(index, 1);
    });
    while ((await as(tokens.ada)('/jobs')).status !== 401) await new Promise(setImmediate);
    b.executor.release();
    assert.doesNotMatch(await heard, /COMPLETED|EXECUTING/);
    assert.match(await (await as(tokens.root)(`/jobs/${id}`)).text(), /<uws:ownerId>ada</);
    assert.deepEqual(b.errors, []);
  });

  it('takes a token as the password of Basic, wants its scopes, and lists by phases and owners', async (t) => {
    const { b, tokens, as, id } = await peopled(t);
    const basic = (user: string, password: string) => ({
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    });
    assert.equal((await b.send('/jobs', { headers: basic('ada', tokens.ada) })).status, 200);
    assert.equal((await b.send('/jobs', { headers: basic(tokens.ada, '') })).status, 200);
    assert.equal((await b.send('/jobs', { headers: basic('', '') })).status, 401);
    const made = await as(tokens.reader)('/jobs', { method: 'POST' });
    assert.equal(made.status, 403);
    assert.match(await made.text(), /scope "write"/);
    assert.equal((await as(tokens.reader)(`/jobs/${id}`)).status, 200);
    assert.equal((await as(tokens.reader)(`/jobs/${id}`, { method: 'DELETE' })).status, 403);
    assert.equal((await as(tokens.reader)('/metrics')).status, 403);
    assert.equal((await as(tokens.watcher)('/metrics')).status, 200);
    assert.equal((await as(tokens.watcher)(`/jobs/${id}`)).status, 403);
    b.headers.authorization = `Bearer ${tokens.bob}`;
    const his = await b.create();
    const list = async (token: string, query: string) => (await as(token)(`/jobs?${query}`)).text();
    assert.ok((await list(tokens.bob, 'PHASE=PENDING')).includes(his));
    assert.ok(!(await list(tokens.ada, 'PHASE=PENDING&LAST=5')).includes(his));
    const all = await list(tokens.root, 'AFTER=1970-01-01T00:00:00Z');
    assert.ok(all.includes(his) && all.includes(id));
    delete b.headers.authorization;
    const asked = await b.send('/jobs', { headers: { 'sec-fetch-mode': 'cors' } });
    assert.equal(asked.headers.get('www-authenticate'), 'Bearer realm="cianna-otf"', 'no window of the browser');
    assert.match(await rawExchange(b.url, 'GET /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n'), /Basic realm="cianna-otf"/);
  });

  it('hears of a revoked and a new token while it runs; a damaged file lets nobody in', async (t) => {
    const { b, path, tokens, as } = await peopled(t);
    const until = async (token: string, status: number) => {
      while ((await as(token)('/jobs')).status !== status) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await changeTokens(path, (all) =>
      all.splice(
        all.findIndex(({ owner }) => owner === 'bob'),
        1,
      ),
    );
    await until(tokens.bob, 401);
    await until(await give(path, 'carl'), 200);
    await writeFile(path, 'no JSON');
    await until(tokens.ada, 401);
    assert.match(b.errors.join(''), /is no file of tokens/);
  });

  it('keeps its file the server’s when root makes a token', { skip: kNoChown }, async (t) => {
    const dir = await tempDir(t);
    const [folder, path] = [join(dir, 'data'), join(dir, 'data/tokens.json')];
    await mkdir(folder);
    const owner = async () => {
      const { uid, gid, mode } = await stat(path);
      return [uid, gid, mode & 0o777];
    };
    await chown(folder, 1234, 5678);
    await give(path, 'ada');
    assert.deepEqual(await owner(), [1234, 5678, 0o600], 'the first is of the folder’s owner');
    await chown(path, 1235, 5679);
    await give(path, 'bob');
    assert.deepEqual(await owner(), [1235, 5679, 0o600]);
  });

  it('keeps hashes only, for its user alone, and says who did what', async (t) => {
    const { b, path, tokens, as, id } = await peopled(t);
    const text = await readFile(path, 'utf8');
    for (const token of Object.values(tokens)) assert.ok(!text.includes(token.slice(-43)));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await as(tokens.bob)(`/jobs/${id}`, { method: 'DELETE' });
    await as(tokens.ada)(`/jobs/${id}`, { method: 'DELETE' });
    await b.send('/jobs', { headers: bearer(tokens.late) });
    const lines = b.audit.map(({ owner, method, route, status, jobId }) => [owner, method, route, status, jobId]);
    assert.deepEqual(lines, [
      ['ada', 'POST', '/jobs', 303, id],
      ['bob', 'DELETE', '/jobs/:id', 404, id],
      ['ada', 'DELETE', '/jobs/:id', 303, id],
      [null, 'GET', '/jobs', 401, undefined],
    ]);
    assert.ok(b.audit.every(({ remote }) => remote !== ''));
    const log = b.lines.join('');
    for (const token of Object.values(tokens)) assert.ok(!log.includes(token));
  });
});

describe('the command token', () => {
  it('adds, lists and revokes, and clients use it from the environment, a file or an option', async (t) => {
    const dataDir = await tempDir(t);
    const run = (...args: string[]) => runCli([...args], dataDir);
    const made = run('token', 'add', 'ada', '--data-dir', dataDir, '--expires', '2h', '--json');
    assert.equal(made.code, 0, made.stderr);
    const { token, id, expires } = JSON.parse(made.stdout) as Record<string, string>;
    assert.ok(Date.parse(expires ?? '') > Date.now());
    const list = run('token', 'list', '--data-dir', dataDir);
    assert.ok(list.stdout.includes(id ?? '?') && !list.stdout.includes(token ?? '?'));
    assert.equal(run('token', 'add', 'a\nb', '--data-dir', dataDir).code, 2);
    assert.equal(run('token', 'add', 'a', '--scope', 'all', '--data-dir', dataDir).code, 2);
    assert.equal(run('token', 'revoke', 'nobody', '--data-dir', dataDir).code, 1);
    const server = await startTestServer(t, { dataDir });
    const jobs = (args: string[], env: Record<string, string> = {}) =>
      runCli(['jobs', '--server', server.url, ...args], dataDir, env);
    const file = join(dataDir, 'mine');
    await writeFile(file, `${token}\n`);
    const none = jobs([]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /say who you are.*CIANNA_OTF_TOKEN, --token-file/);
    for (const [args, env] of [
      [[], { CIANNA_OTF_TOKEN: token ?? '' }],
      [[], { CIANNA_OTF_TOKEN_FILE: file }],
      [['--token-file', file], { CIANNA_OTF_TOKEN: 'wrong' }],
      [['--token', token ?? ''], { CIANNA_OTF_TOKEN: 'wrong' }],
    ] as [string[], Record<string, string>][]) {
      const { code, stdout, stderr } = jobs(args, env);
      assert.equal(`${code} ${stdout}${stderr}`.trim(), '0 no jobs', args.join(' '));
    }
    assert.equal(jobs([], { CIANNA_OTF_TOKEN_FILE: join(dataDir, 'nothing') }).code, 2);
    const inUrl = new URL(server.url);
    inUrl.username = 'ada';
    inUrl.password = token ?? '';
    assert.equal(runCli(['jobs', '--server', inUrl.href], dataDir).code, 0);
    const image = await field(dataDir, 256);
    await writeFile(join(dataDir, 'a.fits'), image);
    const env = { CIANNA_OTF_TOKEN: token ?? '' };
    const sent = runCli(['submit', 'a.fits', '--server', server.url, '-o', 'out', '--json'], dataDir, env);
    assert.equal(sent.code, 0, sent.stderr);
    const used = runCli(['usage', '--server', server.url, '--json'], dataDir, env);
    const [row] = JSON.parse(used.stdout) as Record<string, number>[];
    assert.ok(row?.jobs === 1 && row.items === 1 && (row.cpuSeconds ?? 0) > 0, used.stdout);
    await Promise.all(Array.from({ length: 8 }, () => give(join(dataDir, 'tokens.json'), 'many')));
    assert.equal(readTokens(join(dataDir, 'tokens.json'))?.length, 9, 'nobody overwrites another');
  });
});
