/** The workers a server hears of, and their devices as places of the scheduler. By what their beats say; no clock of its own. */
import type { DeviceState } from '../../jobs/executor.js';
import { modelOfKey } from '../key.js';
import type { Place } from '../runner.js';
import type { Leases } from './leases.js';
import type { Beat } from './messages.js';
import type { WorkerFacts } from './tallies.js';

/** A job on a worker. */
export interface HeldJob {
  worker: string;
  attempt: string;
  place: string;
}

export interface RosterLimits {
  /** A worker not heard of for so long is gone. */
  leaseMs: number;
  /** Jobs of a place: those on their way there or being opened, and all. */
  mostUnopened: number;
  mostJobs: number;
  /** Of what decides results (terms.ts): a worker that has something else gets nothing. */
  models: string;
}

interface Seen {
  beat: Beat;
  heardMs: number;
  /** As the beat has them: they are asked for far more often than they change. */
  places: readonly WorkerPlace[];
}

/** What a beat changes for whoever hears it. */
export interface Heard {
  /** The worker of this name that was there before has ended. */
  replaced: boolean;
  /** There is a later worker of this name: this one is to leave. */
  outdated: boolean;
}

export class Roster {
  readonly #limits: RosterLimits;
  readonly #seen = new Map<string, Seen>();
  /** Who has come with a job, and said by no beat yet that it lives; when. */
  readonly #met = new Map<string, number>();
  /** Of the jobs that were given. */
  readonly #leases: Pick<Leases, 'at' | 'ofWorker'>;

  constructor(limits: RosterLimits, leases: Pick<Leases, 'at' | 'ofWorker'>) {
    this.#limits = limits;
    this.#leases = leases;
  }

  get size(): number {
    return this.#seen.size;
  }

  has(worker: string): boolean {
    return this.#seen.has(worker);
  }

  hear(beat: Beat, nowMs: number): Heard {
    const before = this.#seen.get(beat.worker)?.beat;
    const other = before !== undefined && before.instance !== beat.instance;
    if (other && before.startedMs > beat.startedMs) return { replaced: false, outdated: true };
    const places = beat.places.map((offered) => new WorkerPlace(beat.worker, offered, this.#limits, this.#leases));
    this.#seen.set(beat.worker, { beat, heardMs: nowMs, places });
    this.#met.delete(beat.worker);
    return { replaced: other, outdated: false };
  }

  /** It has a job that it may keep: whoever has one must be missed when it is gone. */
  met(worker: string, nowMs: number): void {
    if (!this.#seen.has(worker)) this.#met.set(worker, nowMs);
  }

  /** Nobody could be heard: nobody is late. */
  excuse(nowMs: number): void {
    for (const seen of this.#seen.values()) seen.heardMs = nowMs;
    for (const worker of this.#met.keys()) this.#met.set(worker, nowMs);
  }

  /** For so long this process has not listened: what was said meanwhile is still to be heard. */
  deaf(ms: number): void {
    for (const seen of this.#seen.values()) seen.heardMs += ms;
    for (const [worker, metMs] of this.#met) this.#met.set(worker, metMs + ms);
  }

  /** Those who have not been heard of for too long; they are forgotten. */
  lost(nowMs: number): string[] {
    const last = [...[...this.#seen].map(([worker, { heardMs }]) => [worker, heardMs] as const), ...this.#met];
    const late = last.filter(([, heardMs]) => nowMs - heardMs > this.#limits.leaseMs).map(([worker]) => worker);
    for (const worker of late) {
      this.#seen.delete(worker);
      this.#met.delete(worker);
    }
    return late;
  }

  /** It has said that it ends, and holds nothing any more. */
  forget(worker: string): void {
    this.#seen.delete(worker);
  }

  beats(): Beat[] {
    return [...this.#seen.values()].map(({ beat }) => beat);
  }

  /** Where jobs may go now. `closed`: workers that shall get nothing for the moment. */
  places(closed: ReadonlySet<string>): Place[] {
    const all: Place[] = [];
    for (const { beat, places } of this.#seen.values()) {
      if (beat.leaving || beat.short || beat.models !== this.#limits.models) continue;
      for (const place of places) all.push(closed.has(beat.worker) ? place.shut() : place);
    }
    return all;
  }

  workers(): WorkerFacts[] {
    return this.beats().map(({ worker: name, host: node, startedMs, leaving, networks }) => {
      const loaded = networks.flatMap((at) => at.networks.filter((network) => network.loaded).map(({ key }) => key));
      return { name, node, startedMs, leaving, keys: [...new Set(loaded)], held: this.#leases.ofWorker(name).length };
    });
  }

  devices(): DeviceState[] {
    return this.beats().flatMap(({ worker, places, networks }) =>
      places.map(({ name, busy }) => {
        const loaded = networks.find(({ place }) => place === name)?.networks ?? [];
        return { name: placeName(worker, name), busy, networks: loaded };
      }),
    );
  }
}

/** A device of a worker, until its next beat. */
class WorkerPlace implements Place {
  readonly name: string;
  readonly tier: number;
  readonly hungry: boolean;
  readonly busy: boolean;
  readonly takes: (key: string) => boolean;
  readonly holds: (key: string) => boolean;
  readonly #limits: RosterLimits;
  readonly #leases: Pick<Leases, 'at'>;

  constructor(worker: string, offered: Beat['places'][number], limits: RosterLimits, leases: Pick<Leases, 'at'>) {
    this.name = placeName(worker, offered.name);
    this.tier = offered.tier;
    this.hungry = offered.hungry;
    this.busy = offered.busy;
    const [takes, holds] = [new Set(offered.takes), new Set(offered.holds)];
    this.takes = (key) => takes.has(modelOfKey(key));
    this.holds = (key) => holds.has(key);
    this.#limits = limits;
    this.#leases = leases;
  }

  /** What is on its way there fills it before its beats can say so. */
  get full(): boolean {
    const { all, unopened } = this.#leases.at(this.name);
    return all >= this.#limits.mostJobs || unopened >= this.#limits.mostUnopened;
  }

  /** The same, and nothing goes there. */
  shut(): Place {
    const { name, tier, takes, holds, hungry, busy } = this;
    return { name, tier, takes, holds, hungry, busy, full: true };
  }
}

export function placeName(worker: string, device: string): string {
  return `${worker}/${device}`;
}

/** Of a place. */
export function workerOf(place: string): string {
  return place.slice(0, place.indexOf('/'));
}

export function deviceOf(place: string): string {
  return place.slice(place.indexOf('/') + 1);
}
