/** A server with people: tokens of some, and a job of one of them. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { newToken, type TokenRecord } from '#otf/auth/token.js';
import { changeTokens } from '#otf/auth/token-file.js';
import { bench, tempDir } from './bench.js';

export type Flags = NonNullable<Parameters<typeof bench>[2]>;

export async function give(path: string, owner: string, more: Partial<TokenRecord> = {}): Promise<string> {
  const { text, id, hash } = newToken();
  const record: TokenRecord = { id, hash, owner, scopes: ['read', 'write'], createdMs: 0, expiresMs: null, note: '' };
  await changeTokens(path, (tokens) => tokens.push({ ...record, ...more }));
  return text;
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A server with people, and a job of ada's with everything a job can have. */
export async function peopled(t: TestContext, fake: Parameters<typeof bench>[1] = {}, flags: Flags = {}) {
  const dataDir = await tempDir(t);
  const path = join(dataDir, 'tokens.json');
  const tokens = {
    ada: await give(path, 'ada'),
    bob: await give(path, 'bob'),
    late: await give(path, 'ada', { expiresMs: Date.now() - 1000 }),
    reader: await give(path, 'ada', { scopes: ['read'] }),
    watcher: await give(path, 'prometheus', { scopes: ['metrics'] }),
    root: await give(path, 'root', { scopes: ['admin'] }),
  };
  const b = await bench(t, fake, flags, dataDir);
  const as =
    (token: string) =>
    (where: string, init: RequestInit = {}) =>
      b.send(where, { ...init, headers: { ...bearer(token), ...(init.headers as Record<string, string>) } });
  b.headers.authorization = `Bearer ${tokens.ada}`;
  const id = await b.create({ PHASE: 'RUN', RUNID: 'ada-secret-run' });
  delete b.headers.authorization;
  return { b, path, tokens, as, id };
}
