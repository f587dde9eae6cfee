/** Model cards of every kind there is. */
import { type ModelCard, parseCard, readCard } from '../models/card.js';
import { loadCards, type ModelRegistry, resolveCard } from '../models/registry.js';
import type { ModelCardFile } from '../models/schema.js';
import { kCardSections } from './registry.js';

/** As readCard of src/models, and so are the others. */
export function readModelCard(path: string): Promise<ModelCard> {
  return readCard(path, kCardSections);
}

export function parseModelCard(source: string, label: string): ModelCardFile {
  return parseCard(source, label, kCardSections);
}

export function loadRegistry(dir: string): Promise<ModelRegistry> {
  return loadCards(dir, kCardSections);
}

export function resolveModel(dir: string, name: string): Promise<ModelCard> {
  return resolveCard(dir, name, kCardSections);
}
