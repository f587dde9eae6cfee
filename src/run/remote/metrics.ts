/** What running jobs elsewhere shows of itself (Prometheus). */
import { Counter, Gauge, type Registry } from 'prom-client';
import { tilesCounter } from '../metrics.js';
import type { Leases } from './leases.js';
import type { Roster } from './roster.js';
import { workerOf } from './roster.js';
import type { Tallies } from './tallies.js';

export interface RemoteMetrics {
  tiles: (key: string, items: number) => void;
  /** Jobs that a worker has ended well. */
  completed: (worker: string) => void;
  /** Jobs whose worker was lost under them; `swept`: it is there, and does not know them any more. */
  lost: (worker: string, swept: boolean) => void;
  /** Jobs that a worker did not take, or gave back. */
  back: (worker: string) => void;
  /** Jobs that went on where they were when the server came back. */
  adopted: () => void;
  /** Ends of attempts that did not count: late, second, aborted. */
  refused: (worker: string) => void;
  /** What could not be understood. */
  garbled: () => void;
}

export interface MetricsParts {
  roster: Roster;
  leases: Leases;
  tallies: Tallies;
  /** Is the broker there? */
  there: () => boolean;
}

export function remoteMetrics(registry: Registry, { roster, leases, tallies, there }: MetricsParts): RemoteMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('otf_workers', 'Workers that are heard of', () => roster.size);
  gauge('otf_broker_connected', '1 while the broker is there', () => (there() ? 1 : 0));
  new Gauge({
    name: 'otf_worker_jobs',
    help: 'Jobs that a worker has, or is being given',
    labelNames: ['worker'],
    registers,
    collect() {
      this.reset();
      for (const { worker } of roster.beats()) this.set({ worker }, 0);
      for (const { place } of leases.all()) this.inc({ worker: workerOf(place) });
    },
  });
  const tiles = tilesCounter(registry);
  const lost = counter('otf_worker_lost_total', 'Jobs whose worker was lost under them');
  const swept = counter('otf_worker_swept_total', 'Of these, those that their worker did not know any more');
  const back = counter('otf_worker_back_total', 'Jobs that a worker did not take, or gave back');
  const adopted = counter('otf_worker_adopted_total', 'Jobs that went on at their worker when the server came back');
  const refused = counter('otf_worker_refused_total', 'Ends of attempts that did not count: late, second or aborted');
  const garbled = counter('otf_worker_garbled_total', 'Messages that could not be understood');
  return {
    tiles: (key, items) => tiles.inc({ key }, items),
    completed: (worker) => tallies.add(worker, 'completed'),
    lost: (worker, unknown) => {
      lost.inc();
      tallies.add(worker, 'lost');
      if (!unknown) return;
      swept.inc();
      tallies.add(worker, 'swept');
    },
    back: (worker) => {
      back.inc();
      tallies.add(worker, 'back');
    },
    adopted: () => adopted.inc(),
    refused: (worker) => {
      refused.inc();
      tallies.add(worker, 'refused');
    },
    garbled: () => garbled.inc(),
  };
}
