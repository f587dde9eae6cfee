/** Kinds by their names. */
import { OtfError } from '../errors/catalogue.js';
import type { CardSection } from '../models/schema.js';
import type { TaskKind } from './kind.js';
import * as listed from './kinds.js';
import type { TaskWork } from './work.js';

export const kKinds: readonly TaskKind[] = Object.values(listed);

const kByName = new Map(kKinds.map((kind) => [kind.name, kind]));

/** What model cards may have, by kind. */
export const kCardSections: ReadonlyMap<string, CardSection> = new Map(kKinds.map(({ name, card }) => [name, card]));

/** Throws OTF_INTERNAL: cards of other kinds are not read, and jobs are made from cards. */
export function kindNamed(name: string): TaskKind {
  const kind = kByName.get(name);
  if (!kind) throw new OtfError('OTF_INTERNAL', `there is no kind of task "${name}": a later program may have it`);
  return kind;
}

/** Of requests, not of jobs: no kind that anybody can ask for. */
export const kTensors = 'tensors';

async function tensorWork(): Promise<TaskWork> {
  return (await import('./tensors/work.js')).kTensorWork;
}

const works = new Map<string, Promise<TaskWork>>();

export function workOf(name: string): Promise<TaskWork> {
  const loading = works.get(name) ?? (name === kTensors ? tensorWork() : kindNamed(name).work());
  works.set(name, loading);
  return loading;
}
