/** The models folder: one sub-folder per model with its card. Looked up by id, alias, weights name or path of a card. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { type CardSections, type ModelCard, readCard } from './card.js';

/** The models that come with the program. */
export const kShippedModelsDir = fileURLToPath(new URL('../../models', import.meta.url));
export const kDefaultModel = 'demo-continuum';
const kCardName = 'model.toml';

export interface ModelRegistry {
  dir: string;
  cards: ModelCard[];
  /** Cards that cannot be used; one of them must not hide the others. */
  faults: OtfError[];
}

/** Reads every card below `dir`. Throws OTF_CONFIG_INVALID when the folder itself cannot be read. */
export async function loadCards(dir: string, sections: CardSections): Promise<ModelRegistry> {
  let names: string[];
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    names = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name);
  } catch (thrown) {
    throw new OtfError('OTF_CONFIG_INVALID', `cannot read the models folder ${dir}: ${systemReason(thrown)}`);
  }
  const registry: ModelRegistry = { dir, cards: [], faults: [] };
  for (const name of names.sort()) {
    const path = join(dir, name, kCardName);
    if (!(await exists(path))) continue;
    try {
      const card = await readCard(path, sections);
      if (card.id !== name) {
        throw new OtfError('OTF_MODEL_CARD_INVALID', `${path}: id is "${card.id}", but its folder is named "${name}"`);
      }
      registry.cards.push(card);
    } catch (thrown) {
      if (!(thrown instanceof OtfError)) throw thrown;
      registry.faults.push(thrown);
    }
  }
  return registry;
}

/** Names compare without case and without `.dat`: older clients send either (docs/interop.md). */
function sameName(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/\.dat$/, '');
  return plain(a) === plain(b);
}

/** Undefined when no card has this id or alias; ids win over aliases. */
export function findModel(registry: ModelRegistry, name: string): ModelCard | undefined {
  return (
    registry.cards.find((card) => sameName(card.id, name)) ??
    registry.cards.find((card) => card.aliases.some((alias) => sameName(alias, name)))
  );
}

/** `name`: id, alias, path of a card or of its folder. Throws OTF_MODEL_UNKNOWN with the ids there are. */
export async function resolveCard(dir: string, name: string, sections: CardSections): Promise<ModelCard> {
  if (name.endsWith('.toml')) return readCard(name, sections);
  if (name.includes('/') && (await exists(join(name, kCardName)))) return readCard(join(name, kCardName), sections);
  const registry = await loadCards(dir, sections);
  const card = findModel(registry, name);
  if (card) return card;
  const broken = registry.faults.find((fault) => fault.message.includes(`${join(dir, name)}/`));
  if (broken) throw broken;
  const known = registry.cards.map((each) => each.id).join(', ') || 'none';
  throw new OtfError('OTF_MODEL_UNKNOWN', `unknown model "${name}": ${dir} has ${known}`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
