/** Which servers let people in who do not say who they are, and from where. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Authenticator } from '#otf/auth/authenticator.js';
import { changeTokens } from '#otf/auth/token-file.js';
import { loadConfig } from '#otf/config/load.js';
import { bench, tempDir } from './service/bench.js';
import { type Flags, give } from './service/people.js';
import { rawExchange } from './service/raw.js';

describe('which servers are open', () => {
  const opens = async (t: TestContext, flags: Flags, tokens = 0) => {
    const config = await loadConfig({ flags: { ...flags, storage: { data_dir: await tempDir(t) } } });
    const path = join(config.storage.data_dir, 'tokens.json');
    if (tokens > 0) await give(path, 'ada');
    const auth = new Authenticator({ config, onFault: (fault) => assert.fail(String(fault)) });
    return async (asked: { authorization?: string; named?: string; remote?: string; relayed?: boolean } = {}) => {
      const { authorization = '', named = '', remote = '10.1.1.1', relayed = false } = asked;
      const { owner, scopes } = await auth.identify({ authorization, named, remote, relayed });
      return `${owner} ${[...scopes].sort().join(' ')}`;
    };
  };

  it('this machine alone: everybody, also with a header that means nothing here', async (t) => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '127.1.2.3']) {
      const ask = await opens(t, { server: { host } });
      assert.equal(await ask(), 'null metrics read work write');
      assert.equal(await ask({ authorization: 'Bearer nonsense' }), 'null metrics read work write');
    }
  });

  it('this machine alone: not who comes through a proxy on it, unless somebody has said so', async (t) => {
    const ask = await opens(t, {});
    await assert.rejects(ask({ relayed: true }), /through a proxy: .* auth\.anonymous = true/);
    const shut = await opens(t, { auth: { anonymous: false } });
    for (const relayed of [false, true])
      await assert.rejects(shut({ relayed }), /anonymous = false.* make a token \(cianna-otf token add NAME\)/);
    const open = await opens(t, { auth: { anonymous: true } });
    assert.equal(await open({ relayed: true }), 'null metrics read write');
    const b = await bench(t);
    const { host } = new URL(b.url);
    const status = async (headers: Record<string, string>) => {
      const lines = Object.entries({ Host: host, Connection: 'close', ...headers }).map(
        ([name, it]) => `${name}: ${it}\r\n`,
      );
      return (await rawExchange(b.url, `GET /jobs HTTP/1.1\r\n${lines.join('')}\r\n`)).slice(9, 12);
    };
    assert.equal(await status({}), '200');
    assert.equal(await status({ Host: 'localhost:5000' }), '200');
    const passed: Record<string, string>[] = [
      { 'X-Forwarded-For': '192.0.2.7' },
      { 'X-Real-IP': '192.0.2.7' },
      { Forwarded: 'for=192.0.2.7' },
      { Via: '1.1 gate' },
      { Host: '192.0.2.1' },
      { Host: hostname() },
    ];
    for (const headers of passed) assert.equal(await status(headers), '401', JSON.stringify(headers));
    assert.equal((await b.send('/healthz', { headers: { 'X-Forwarded-For': '192.0.2.7' } })).status, 200);
  });

  it('all addresses: says at the start that records need one that clients find', async (t) => {
    const auth = { anonymous: true };
    const warned = ({ lines }: { lines: string[] }) => lines.filter((line) => line.includes('set server.public_url'));
    const open = await bench(t, {}, { auth, server: { host: '0.0.0.0' } });
    assert.equal(warned(open).length, 1);
    assert.match(warned(open)[0] ?? '', /"level":40.*records of jobs will name http:\/\/0\.0\.0\.0:\d+,/);
    const named = await bench(t, {}, { auth, server: { host: '0.0.0.0', public_url: 'https://otf.example.org' } });
    assert.deepEqual([...warned(named), ...warned(await bench(t))], []);
  });

  it('an address of others: nobody, unless somebody has said so', async (t) => {
    await assert.rejects(opens(t, { server: { public_url: 'https://otf.example.org' } }), /others can reach it/);
    for (const name of ['otf.example.org', '*']) {
      await assert.rejects(
        opens(t, { server: { hosts: ['localhost', name] } }),
        /server\.hosts .*: others can reach it/,
      );
    }
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'otf.example.org']) {
      await assert.rejects(opens(t, { server: { host } }), /OTF_CONFIG_INVALID|others can reach it/);
      const named = await opens(t, { server: { host } }, 1);
      await assert.rejects(named(), { code: 'OTF_AUTH_REQUIRED' });
      const open = await opens(t, { server: { host }, auth: { anonymous: true } });
      assert.equal(await open(), 'null metrics read write');
      const guests = await opens(t, { server: { host }, auth: { anonymous: 'read' } }, 1);
      assert.equal(await guests(), 'null read');
      await assert.rejects(guests({ authorization: 'Bearer nonsense' }), { code: 'OTF_TOKEN_INVALID' });
    }
  });

  it('the name in a header counts from a trusted proxy only, whatever its address looks like', async (t) => {
    const ask = await opens(t, {
      auth: { owner_header: 'x-user', trusted_proxies: ['10.9.9.9', '::1'], admins: ['root'] },
    });
    const long = '0000:0000:0000:0000:0000:0000:0000:0001';
    for (const remote of ['10.9.9.9', '::ffff:10.9.9.9', '0000:0000:0000:0000:0000:ffff:0a09:0909', '::1', long]) {
      assert.equal(await ask({ named: 'ada', remote }), 'ada read write', remote);
      assert.equal(await ask({ named: 'root', remote }), 'root admin read write');
    }
    await assert.rejects(ask({ named: 'ada', remote: '10.9.9.8' }), { code: 'OTF_AUTH_REQUIRED' });
    await assert.rejects(ask({ named: 'a\u0007b', remote: '10.9.9.9' }), { code: 'OTF_AUTH_REQUIRED' });
  });

  it('revoking the last token does not open the door again', async (t) => {
    const dir = await tempDir(t);
    await give(join(dir, 'tokens.json'), 'ada');
    await changeTokens(join(dir, 'tokens.json'), (tokens) => tokens.splice(0));
    const b = await bench(t, {}, {}, dir);
    assert.equal((await b.send('/jobs')).status, 401);
    assert.equal((await b.send('/healthz')).status, 200);
  });
});
