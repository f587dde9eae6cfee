/** Kinds and models of the server: read once, and again after it was restarted. */
import { signal } from '@preact/signals';
import { type Abilities, type Kind, type Model, readAbilities } from '../api/kinds.js';

export const abilities = signal<Abilities | undefined>(undefined);

export async function loadAbilities(): Promise<void> {
  abilities.value = await readAbilities();
}

export function kindOf(name: string | undefined): Kind | undefined {
  return abilities.value?.kinds.find((kind) => kind.name === name);
}

export function modelOf(id: string | undefined): Model | undefined {
  return abilities.value?.models.find((model) => model.id === id);
}
