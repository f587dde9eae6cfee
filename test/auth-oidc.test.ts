/** OpenID Connect: tokens of an issuer of this machine's own, good ones and all kinds of others. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { loadConfig } from '#otf/config/load.js';
import { bench } from './service/bench.js';
import { atEnd } from './support/endings.js';

const kAudience = 'https://otf.example.org';

interface Issuer {
  url: string;
  /** How often its keys were asked for. */
  asked: () => number;
  down: (down: boolean) => void;
  sign: (
    claims?: JWTPayload,
    how?: { expires?: string | number; audience?: string; issuer?: string },
  ) => Promise<string>;
  publicKey: Awaited<ReturnType<typeof generateKeyPair>>['publicKey'];
}

async function issuer(t: TestContext, named?: string): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  let keysAsked = 0;
  let isDown = false;
  const server = createServer((request, response) => {
    if (isDown) return response.writeHead(500).end();
    if (request.url === '/keys') {
      keysAsked++;
      return response.end(JSON.stringify({ keys: [jwk] }));
    }
    return response.end(JSON.stringify({ issuer: named ?? url, jwks_uri: `${url}/keys` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sign: Issuer['sign'] = (claims = {}, { expires = '5m', audience = kAudience, issuer: by = url } = {}) =>
    new SignJWT({ sub: 'ada', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(by)
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(privateKey);
  const down = (is: boolean) => {
    isDown = is;
  };
  return { url, asked: () => keysAsked, down, sign, publicKey };
}

async function server(t: TestContext, by: Issuer, more: Record<string, unknown> = {}) {
  const auth = { oidc_issuer: by.url, oidc_audience: kAudience, ...more };
  const b = await bench(t, {}, { auth });
  return async (token: string, path = '/jobs', init: RequestInit = {}) => {
    const answer = await b.send(path, { ...init, headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
}

describe('bearer tokens of an issuer', () => {
  it('name the owner of jobs; keys are fetched once, and what was good is remembered', async (t) => {
    const by = await issuer(t);
    const ask = await server(t, by);
    const token = await by.sign();
    const many = await Promise.all(Array.from({ length: 20 }, () => ask(token)));
    assert.ok(many.every(({ status }) => status === 200));
    const made = await ask(await by.sign({ jti: 'other' }), '/jobs', { method: 'POST' });
    assert.equal(made.status, 303);
    const id = (made.headers.get('location') ?? '').split('/').pop();
    assert.match((await ask(token, `/jobs/${id}/owner`)).text, /^ada$/);
    assert.equal((await ask(await by.sign({ sub: 'bob' }), `/jobs/${id}`)).status, 404);
    assert.equal(by.asked(), 1);
    by.down(true);
    assert.equal((await ask(token)).status, 200);
  });

  it('are refused when they are late, for others, of others, unsigned, or signed with what everybody knows', async (t) => {
    const by = await issuer(t);
    const other = await issuer(t);
    const ask = await server(t, by);
    const shared = new TextEncoder().encode(await exportSPKI(by.publicKey));
    const claims = () => new SignJWT({ sub: 'ada' }).setIssuer(by.url).setAudience(kAudience).setExpirationTime('5m');
    const bad: Record<string, string> = {
      late: await by.sign({}, { expires: Math.floor(Date.now() / 1000) - 3600 }),
      'not for us': await by.sign({}, { audience: 'https://elsewhere.example.org' }),
      'another issuer': await by.sign({}, { issuer: 'https://issuer.example.org' }),
      "another's key": await other.sign({}, { issuer: by.url }),
      unsigned: new UnsecuredJWT({ sub: 'ada' })
        .setIssuer(by.url)
        .setAudience(kAudience)
        .setExpirationTime('5m')
        .encode(),
      'shared key': await claims().setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(shared),
      'no end': await new SignJWT({ sub: 'a' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(by.url)
        .setAudience(kAudience)
        .sign(shared),
      'no JWT': 'a.b.c',
      'too long': `${'a'.repeat(3000)}.b.c`,
      'nobody in it': await by.sign({ sub: '' }),
      'a name with control characters': await by.sign({ sub: 'a\u0000b' }),
    };
    for (const [why, token] of Object.entries(bad)) {
      const { status, text } = await ask(token);
      assert.equal(status, 401, `${why}: ${text}`);
      assert.ok(!text.includes(token), why);
    }
    assert.match((await ask(bad.late ?? '')).text, /has expired/);
  });

  it('make admins of those in the group or on the list, by the claim that is configured', async (t) => {
    const by = await issuer(t);
    const more = { oidc_owner_claim: 'preferred_username', oidc_admin_group: '/otf/admins', admins: ['root'] };
    const ask = await server(t, by, more);
    const of = (preferred_username: string, groups: unknown = []) => by.sign({ preferred_username, groups });
    const made = await ask(await of('ada'), '/jobs', { method: 'POST' });
    const path = new URL(made.headers.get('location') ?? '').pathname;
    assert.equal((await ask(await of('bob'), path)).status, 404);
    assert.equal((await ask(await of('bob', 'x/otf/admins'), path)).status, 404);
    assert.equal((await ask(await of('bob', ['/otf/admins']), path)).status, 200);
    assert.equal((await ask(await of('root'), path)).status, 200);
    assert.equal((await ask(await of('bob'), '/metrics')).status, 403);
    assert.equal((await ask(await by.sign(), '/jobs')).status, 401, 'no such claim');
  });

  it('cannot be looked at while the issuer is away: 503, and later they can', async (t) => {
    const by = await issuer(t);
    by.down(true);
    const ask = await server(t, by);
    const token = await by.sign();
    const away = await ask(token);
    assert.equal(away.status, 503);
    assert.match(away.text, /the issuer cannot be asked: it answered 500/);
    assert.ok(Number(away.headers.get('retry-after')) > 0);
    by.down(false);
    assert.equal((await ask(token)).status, 200);
  });

  it('are not taken from an issuer that calls itself otherwise', async (t) => {
    const by = await issuer(t, 'https://issuer.example.org');
    const ask = await server(t, by);
    assert.match((await ask(await by.sign())).text, /names another issuer/);
  });
});

it('an issuer is https or this machine, and its tokens are for this server', async () => {
  const load = (auth: Record<string, string>) => loadConfig({ flags: { auth } });
  await assert.rejects(load({ oidc_issuer: 'http://issuer.example.org', oidc_audience: 'a' }), /https/);
  await assert.rejects(load({ oidc_issuer: 'https://issuer.example.org' }), /oidc_audience: must be set/);
  await load({ oidc_issuer: 'https://issuer.example.org', oidc_audience: 'a' });
});
