/** `models pull|verify` and `models list --remote`: models that lie elsewhere, by an index. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { OtfError } from '../errors/catalogue.js';
import { verifyWeights } from '../models/card.js';
import { kShippedModelsDir } from '../models/registry.js';
import { Content } from '../models/remote/content.js';
import { findRemote, type RemoteModel } from '../models/remote/index-file.js';
import { pullModel, readIndex } from '../models/remote/pull.js';
import { loadRegistry } from '../tasks/cards.js';
import { kCardSections } from '../tasks/registry.js';
import { addModelsOption, example } from './options.js';
import { print, textTable } from './table.js';

interface RemoteOptions {
  models: string;
  index?: string;
  cache: string;
  offline?: boolean;
  replace?: boolean;
  json?: boolean;
}

export function registerRemoteModels(group: Command): void {
  const pull = group
    .command('pull')
    .description('fetch a model of an index, checked, into a folder of models')
    .argument('<id>', 'model id, or id@version (default: the last of the index)')
    .option('--replace', 'in place of another version that is there')
    .option('--offline', 'from the cache alone, the index too')
    .option('--json', 'as JSON')
    .action(pullRemote);
  example(addIndexOptions(addModelsOption(pull)), [
    'cianna-otf models pull net0_s1800 --index https://example.org/models/index.json --models ~/models',
  ]);
  const verify = group
    .command('verify')
    .description('are the network files those their cards name, and the cache whole?')
    .option('--json', 'as JSON')
    .action(verifyModels);
  example(addCacheOption(addModelsOption(verify)), ['cianna-otf models verify --models ~/models']);
}

export function addIndexOptions(command: Command): Command {
  return addCacheOption(
    command.option('--index <url>', 'index of models: URL or file (or CIANNA_OTF_INDEX)', process.env.CIANNA_OTF_INDEX),
  );
}

function addCacheOption(command: Command): Command {
  const home = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const cache = process.env.CIANNA_OTF_CACHE || join(home, 'cianna-otf', 'models');
  return command.option('--cache <dir>', 'of files by their content (or CIANNA_OTF_CACHE)', cache);
}

async function indexOf({ index, cache, offline }: RemoteOptions): Promise<RemoteModel[]> {
  if (index) return readIndex(index, cache, offline);
  throw new OtfError('OTF_USAGE', 'which index? --index URL, or CIANNA_OTF_INDEX');
}

export async function listRemote(options: RemoteOptions): Promise<void> {
  const models = await indexOf(options);
  if (options.json) return print(JSON.stringify(models, null, 2));
  if (models.length === 0) return print('the index is empty');
  const mb = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(1));
  const titles = ['id', 'version', 'MB', 'licence', 'doi', 'trained on', 'title'];
  print(
    textTable(
      titles.map((title) => ({ title, align: title === 'MB' ? ('right' as const) : ('left' as const) })),
      models.map((model) => [
        model.id,
        model.version,
        mb(model.weights.size),
        model.licence,
        model.doi ?? '',
        Object.values(model.trained).join(', '),
        model.title,
      ]),
    ),
  );
}

async function pullRemote(name: string, options: RemoteOptions): Promise<void> {
  const { models: dir, cache, offline = false, replace = false } = options;
  if (dir === kShippedModelsDir) {
    throw new OtfError(
      'OTF_USAGE',
      'into which folder? --models DIR or CIANNA_OTF_MODELS_DIR: not among those of the program',
    );
  }
  const model = findRemote(await indexOf(options), name);
  const pulled = await pullModel(model, { dir, cache, offline, replace, sections: kCardSections });
  if (options.json) return print(JSON.stringify({ id: model.id, version: model.version, ...pulled }, null, 2));
  print(`${model.id} ${model.version}: ${pulled.how}, ${pulled.dir} (sha256 ${pulled.sha256.slice(0, 12)}...)`);
}

async function verifyModels(options: RemoteOptions): Promise<void> {
  const registry = await loadRegistry(options.models);
  const verdicts: { what: string; fault?: OtfError }[] = registry.faults.map((fault) => ({ what: 'card', fault }));
  for (const card of registry.cards) {
    const fault = await verifyWeights(card).then(
      () => undefined,
      (thrown: unknown) => thrown as OtfError,
    );
    verdicts.push({ what: card.id, ...(fault ? { fault } : {}) });
  }
  for (const { sha256, fault } of await new Content(options.cache).verify()) {
    verdicts.push({ what: sha256, ...(fault ? { fault } : {}) });
  }
  if (options.json)
    print(
      JSON.stringify(
        verdicts.map(({ what, fault }) => ({ what, ok: !fault, fault: fault?.message })),
        null,
        2,
      ),
    );
  else for (const { what, fault } of verdicts) print(`${fault ? 'bad ' : 'good'}  ${what}`);
  const bad = verdicts.flatMap(({ fault }) => fault ?? []);
  const [first] = bad;
  if (first)
    throw new OtfError(first.code, bad.length > 1 ? `${first.message} (and ${bad.length - 1} more)` : first.message);
}
