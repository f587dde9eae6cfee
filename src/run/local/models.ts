/** The models jobs run with: card, head and sizes of each, opened once. */
import { OtfError } from '../../errors/catalogue.js';
import type { ModelCard } from '../../models/card.js';
import { findModel, type ModelRegistry } from '../../models/registry.js';
import { workOf } from '../../tasks/registry.js';
import type { OpenedModel } from '../../tasks/work.js';
import type { Workers } from './workers.js';

export interface ReadyModel extends OpenedModel {
  card: ModelCard;
  weightsBytes: number;
}

export class Models {
  readonly #workers: Workers;
  readonly #registry: ModelRegistry;
  readonly #open = new Map<string, Promise<ReadyModel>>();

  constructor(registry: ModelRegistry, workers: Workers) {
    this.#registry = registry;
    this.#workers = workers;
  }

  /** The engine that the card of the model demands, if it does. */
  demandedEngine(id: string): string | undefined {
    return findModel(this.#registry, id)?.engine;
  }

  /** Throws OTF_MODEL_UNKNOWN, or what is wrong with the network; a later call tries again. */
  get(id: string): Promise<ReadyModel> {
    let ready = this.#open.get(id);
    if (!ready) {
      ready = this.#read(id);
      this.#open.set(id, ready);
      ready.catch(() => this.#open.delete(id));
    }
    return ready;
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#open.values())) {
      if (opened.status === 'fulfilled') (await workOf(opened.value.card.kind)).closeModel(opened.value.model);
    }
    this.#open.clear();
  }

  async #read(id: string): Promise<ReadyModel> {
    const card = findModel(this.#registry, id);
    if (!card) throw new OtfError('OTF_MODEL_UNKNOWN', `the model "${id}" is not on this server any more`);
    const opened = await this.#workers.run('openModel', card);
    return { ...opened, card };
  }
}
