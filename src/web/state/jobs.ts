/** The newest jobs, live: read as a list, then kept up to date by events; after a lost connection read again. */
import { computed, signal } from '@preact/signals';
import { listen } from '../api/events.js';
import { readJson, ServerError } from '../api/http.js';
import { isEnded, type Progress, readSummaries, readSummary, type Summary } from '../api/jobs.js';
import type { ServerState } from '../api/server.js';
import { loadAbilities } from './abilities.js';
import { attempt } from './notices.js';
import { addRate, loadRates } from './rates.js';

/** Jobs of the list; older ones are reached by their id. */
const kListed = 500;
/** Places in the queue change with every batch: they are read again while jobs wait. */
const kQueueMs = 2000;

const all = signal<ReadonlyMap<string, Summary>>(new Map());
export const jobs = computed(() =>
  [...all.value.values()].sort((a, b) => b.creationTime.localeCompare(a.creationTime)),
);
/** stranger: the server wants to know who asks. */
export const connected = signal<'connecting' | 'live' | 'lost' | 'stranger'>('connecting');
export const server = signal<ServerState | undefined>(undefined);

export function jobOf(id: string): Summary | undefined {
  return all.value.get(id);
}

function change(id: string, to: Summary | undefined): void {
  const next = new Map(all.value);
  if (to) next.set(id, to);
  else next.delete(id);
  all.value = next;
}

/** Of jobs that events told of while something is being read, the number of the last: what was asked for before it is older. */
const told = new Map<string, number>();
let events = 0;
let reading = 0;

/** `take` is given the answer, and whether an event has told of a job since that was asked for. */
async function readBeside<T>(read: () => Promise<T>, take: (answer: T, isOlder: (id: string) => boolean) => void) {
  const since = events;
  reading++;
  try {
    const answer = await read();
    take(answer, (id) => (told.get(id) ?? 0) > since);
  } finally {
    if (--reading === 0) told.clear();
  }
}

function readList(): Promise<void> {
  return readBeside(
    () => readSummaries(kListed),
    (list, isOlder) => {
      const fresh = list.filter(({ id }) => !isOlder(id)).map((job) => [job.id, job] as const);
      all.value = new Map([...fresh, ...[...all.value].filter(([id]) => isOlder(id))]);
    },
  );
}

/** A job that is not in the list (yet). */
export function bringJob(id: string): Promise<void> {
  return readBeside(
    () => readSummary(id),
    (found, isOlder) => {
      if (found && !isOlder(id)) change(id, found);
    },
  );
}

function onJob(data: unknown): void {
  const job = data as Summary;
  if (reading > 0) told.set(job.id, ++events);
  change(job.id, job.phase === 'DELETED' ? undefined : job);
}

function onProgress(data: unknown): void {
  const { jobId, done, total, unit } = data as Progress & { jobId: string };
  const job = all.value.get(jobId);
  if (job && !isEnded(job.phase)) change(jobId, { ...job, progress: { done, total, unit } });
}

/**
 * Once, when the page starts. What the first view shows is asked for beside the stream of events, not after it; what went
 * wrong then is asked for again, and told, once there is a stream.
 */
export function startLive(): void {
  let early: Promise<void> | undefined = loadAbilities();
  early.catch(() => undefined);
  readList().catch(() => undefined);
  listen(['job', 'progress', 'server'], {
    onOpen: () => {
      const before = connected.value;
      connected.value = 'live';
      attempt(readList);
      if (before === 'live') return;
      const abilities = early?.catch(loadAbilities);
      early = undefined;
      attempt(() => abilities ?? loadAbilities());
      attempt(loadRates);
    },
    onLost: () => {
      connected.value = 'lost';
      // A stream of events does not say why it was refused; any other address does.
      readJson('kinds').catch((thrown) => {
        if (thrown instanceof ServerError && thrown.status === 401) connected.value = 'stranger';
      });
    },
    on: {
      job: onJob,
      progress: onProgress,
      server: (data) => {
        const state = data as ServerState;
        server.value = state;
        addRate(state.itemsPerSecond);
      },
    },
  });
  setInterval(() => {
    const waits = jobs.value.some(({ phase }) => phase === 'QUEUED');
    if (waits && connected.value === 'live' && !document.hidden) attempt(readList);
  }, kQueueMs);
}
