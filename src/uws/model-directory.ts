/** The models of the server by every name a client may use, and the files older clients download. */
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import type { ModelCard } from '../models/card.js';
import { findModel, kDefaultModel, type ModelRegistry } from '../models/registry.js';
import { loadRegistry } from '../tasks/cards.js';
import { detectorCards } from '../tasks/detection/card.js';
import { generateUpstreamRegistry, type RegistryServer } from '../tasks/detection/upstream-registry.js';

export class ModelDirectory {
  readonly registry: ModelRegistry;
  readonly #default: string;
  readonly #aliases: ReadonlyMap<string, string>;

  constructor(registry: ModelRegistry, models: Config['models']) {
    this.registry = registry;
    this.#default = models.default;
    this.#aliases = new Map(Object.entries(models.aliases).map(([alias, id]) => [alias.toLowerCase(), id]));
    // The one nobody has chosen may be missing in a folder of one's own: then requests name theirs.
    if (models.default !== kDefaultModel && !this.#named(models.default)) {
      throw new OtfError('OTF_CONFIG_INVALID', `models.default: unknown model "${models.default}": ${this.#known()}`);
    }
    for (const [alias, id] of this.#aliases) {
      if (!findModel(registry, id)) {
        throw new OtfError('OTF_CONFIG_INVALID', `models.aliases: "${alias}" names the unknown model "${id}"`);
      }
    }
  }

  /** Reads the cards. Throws OTF_CONFIG_INVALID when the folder cannot be read or has no usable model. */
  static async open(models: Config['models']): Promise<ModelDirectory> {
    const registry = await loadRegistry(models.dir);
    if (registry.cards.length === 0) {
      const why = registry.faults[0]?.message ?? 'it has no model cards';
      throw new OtfError('OTF_CONFIG_INVALID', `no usable model in ${models.dir}: ${why}`);
    }
    return new ModelDirectory(registry, models);
  }

  /** undefined = the default model. Names compare without case and without `.dat`. Throws OTF_MODEL_UNKNOWN. */
  find(name: string | undefined): ModelCard {
    const asked = name ?? this.#default;
    const card = this.#named(asked);
    if (card) return card;
    throw new OtfError('OTF_MODEL_UNKNOWN', `unknown model "${asked}": ${this.#known()}`);
  }

  #named(name: string): ModelCard | undefined {
    const alias = this.#aliases.get(name.toLowerCase()) ?? this.#aliases.get(`${name.toLowerCase()}.dat`);
    return findModel(this.registry, alias ?? name);
  }

  #known(): string {
    return `there are ${this.registry.cards.map((each) => each.id).join(', ')}`;
  }

  /** The registry document of the upstream server. */
  registryXml(server: RegistryServer): string {
    return generateUpstreamRegistry(detectorCards(this.registry.cards), server);
  }

  /** The card whose network file is known by exactly this name. */
  byFileName(name: string): ModelCard | undefined {
    return this.registry.cards.find(
      (card) => name === `${card.id}.dat` || (name.endsWith('.dat') && card.aliases.includes(name)),
    );
  }
}
