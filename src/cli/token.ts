/** `token add|list|revoke`: API tokens of a server, in its data folder. A running server sees the change at once. */
import { type Command, InvalidArgumentError } from 'commander';
import { tokensPath } from '../auth/authenticator.js';
import { isScope, kScopes, kUserScopes, ownerName, type Scope } from '../auth/principal.js';
import { newToken, type TokenRecord } from '../auth/token.js';
import { changeTokens, readTokens } from '../auth/token-file.js';
import { loadConfig } from '../config/load.js';
import { OtfError } from '../errors/catalogue.js';
import { example } from './options.js';
import { print, textTable } from './table.js';

interface TokenOptions {
  config?: string;
  dataDir?: string;
  json?: boolean;
}

interface AddOptions extends TokenOptions {
  scope: Scope[];
  expires?: number;
  note?: string;
}

const kDayMs = 86_400_000;
const kUnits = new Map([
  ['d', kDayMs],
  ['h', 3_600_000],
  ['m', 60_000],
]);

export function registerToken(root: Command): void {
  const group = root.command('token').description('who may use a server of this machine: API tokens');
  const one = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .option('--config <file>', 'configuration of the server (otf.toml)')
      .option('--data-dir <dir>', 'its data folder (default: data)')
      .option('--json', 'as JSON');
  const add = one('add', 'make a token; it is shown this once')
    .argument('<owner>', 'whose jobs are made with it')
    .option('--scope <scopes>', `any of ${kScopes.join(', ')}, with commas`, scopes, [...kUserScopes])
    .option('--expires <time>', 'after 90d, 12h or 30m (default: never)', lifetime)
    .option('--note <text>', 'for people, e.g. the machine it is for')
    .action(addToken);
  example(add, ['cianna-otf token add ada --expires 90d', 'cianna-otf token add prometheus --scope metrics']);
  example(one('list', 'the tokens there are, without what opens').action(listTokens), ['cianna-otf token list']);
  const revoke = one('revoke', 'a token is worth nothing from now on').argument('<id>', 'as `token list` has it');
  example(revoke.action(revokeToken), ['cianna-otf token revoke 0123456789ab']);
}

function scopes(text: string): Scope[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  if (names.every(isScope)) return names;
  throw new InvalidArgumentError(`Expected any of ${kScopes.join(', ')}, with commas.`);
}

function lifetime(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,5})([dhm])$/.exec(text) ?? [];
  const ms = Number(count) * (kUnits.get(unit) ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('Expected a time such as 90d, 12h or 30m.');
}

async function pathOf({ config, dataDir }: TokenOptions): Promise<string> {
  return tokensPath(await loadConfig({ file: config, env: process.env, flags: { storage: { data_dir: dataDir } } }));
}

async function addToken(given: string, options: AddOptions): Promise<void> {
  const owner = ownerName(given);
  if (owner === undefined || owner !== given) throw new OtfError('OTF_USAGE', `${JSON.stringify(given)} is no name`);
  const { text, id, hash } = newToken();
  const now = Date.now();
  const expiresMs = options.expires === undefined ? null : now + options.expires;
  const record: TokenRecord = {
    ...{ id, owner, scopes: options.scope, hash, createdMs: now, expiresMs, note: options.note ?? '' },
  };
  await changeTokens(await pathOf(options), (tokens) => tokens.push(record));
  if (options.json) return print(JSON.stringify({ ...shown(record), token: text }, null, 2));
  print(text);
  process.stderr.write(`token ${id} of ${owner} (${options.scope.join(', ')}): keep it, it is not shown again\n`);
}

async function listTokens(options: TokenOptions): Promise<void> {
  const tokens = readTokens(await pathOf(options)) ?? [];
  if (options.json) return print(JSON.stringify(tokens.map(shown), null, 2));
  if (tokens.length === 0) return print('no tokens');
  const columns = ['id', 'owner', 'scopes', 'created', 'expires', 'note'];
  print(
    textTable(
      columns.map((title) => ({ title, align: 'left' as const })),
      tokens.map(shown).map((it) => [it.id, it.owner, it.scopes.join(','), it.created, it.expires ?? 'never', it.note]),
    ),
  );
}

async function revokeToken(id: string, options: TokenOptions): Promise<void> {
  const path = await pathOf(options);
  await changeTokens(path, (tokens) => {
    const index = tokens.findIndex((token) => token.id === id);
    if (index < 0) throw new OtfError('OTF_NOT_FOUND', `there is no token ${id} in ${path}: see \`token list\``);
    tokens.splice(index, 1);
  });
  print(options.json ? JSON.stringify({ id, revoked: true }) : `${id}  revoked`);
}

function shown({ id, owner, scopes, createdMs, expiresMs, note }: TokenRecord) {
  const instant = (ms: number) => new Date(ms).toISOString();
  return {
    id,
    owner,
    scopes,
    created: instant(createdMs),
    expires: expiresMs === null ? null : instant(expiresMs),
    note,
  };
}
