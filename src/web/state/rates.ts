/** Tiles per second of the last hour: what the server remembers, and from then on what it tells. */
import { signal } from '@preact/signals';
import { readJson } from '../api/http.js';
import type { ServerState } from '../api/server.js';

export interface Rate {
  timeMs: number;
  itemsPerSecond: number;
}

const kMost = 3600;

export const rates = signal<readonly Rate[]>([]);

/** When the page connects: what came before it was opened. */
export async function loadRates(): Promise<void> {
  const { history = [] } = await readJson<ServerState>('server');
  const [first] = rates.value;
  const earlier = history.filter(({ timeMs }) => first === undefined || timeMs < first.timeMs);
  rates.value = [...earlier, ...rates.value].slice(-kMost);
}

export function addRate(itemsPerSecond: number): void {
  rates.value = [...rates.value, { timeMs: Date.now(), itemsPerSecond }].slice(-kMost);
}
