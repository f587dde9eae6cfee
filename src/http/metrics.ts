/** Prometheus metrics of the protocol half; the executor registers its own in the same registry. All names begin otf_. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { kServer } from '../jobs/access.js';
import { isFinal, kOwnPhases } from '../jobs/job.js';
import type { JobService } from '../jobs/service.js';
import type { Connections } from './connections.js';

export interface HttpMetrics {
  answered: (method: string, route: string, status: number, seconds: number, bytesIn: number) => void;
}

export function makeRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'otf_' });
  return registry;
}

export function httpMetrics(registry: Registry): HttpMetrics {
  const times = new Histogram({
    name: 'otf_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120],
    registers: [registry],
  });
  const uploaded = new Counter({
    name: 'otf_upload_bytes_total',
    help: 'Bytes of request bodies',
    registers: [registry],
  });
  // A method is any word of a client: those this server does not know are one.
  const methods = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH']);
  // labels() hashes its arguments anew every time: at status rates that costs more than the answer.
  const children = new Map<string, { observe: (seconds: number) => void }>();
  return {
    answered(sent, route, status, seconds, bytesIn) {
      const method = methods.has(sent) ? sent : 'other';
      const key = `${method} ${status} ${route}`;
      let child = children.get(key);
      if (!child) {
        child = times.labels(method, route, String(status));
        children.set(key, child);
      }
      child.observe(seconds);
      if (bytesIn > 0) uploaded.inc(bytesIn);
    },
  };
}

export function connectionMetrics(registry: Registry, connections: Connections): void {
  new Gauge({
    name: 'otf_connections',
    help: 'Connections that are open',
    registers: [registry],
    collect() {
      this.set(connections.count);
    },
  });
  new Gauge({
    name: 'otf_connections_refused',
    help: 'Connections closed at once, beyond the limits, since the server started',
    registers: [registry],
    collect() {
      this.set(connections.refused);
    },
  });
}

export function jobMetrics(registry: Registry, jobs: JobService): void {
  new Gauge({
    name: 'otf_jobs',
    help: 'Jobs in the store by phase',
    labelNames: ['phase'],
    registers: [registry],
    collect() {
      this.reset();
      for (const phase of kOwnPhases) this.set({ phase }, jobs.counts().of(phase));
    },
  });
  const ended = new Counter({
    name: 'otf_jobs_ended_total',
    help: 'Jobs that came to their end since the server started, by the phase they ended in',
    labelNames: ['phase'],
    registers: [registry],
  });
  for (const phase of kOwnPhases.filter(isFinal)) ended.inc({ phase }, 0);
  jobs.subscribe((event) => {
    if (event.type === 'phase' && event.phase !== 'DELETED' && isFinal(event.phase)) ended.inc({ phase: event.phase });
  }, kServer);
  new Gauge({
    name: 'otf_stored_bytes',
    help: 'Uploads and results of all jobs',
    registers: [registry],
    collect() {
      this.set(jobs.counts().bytes);
    },
  });
  new Gauge({
    name: 'otf_queue_depth',
    help: 'Jobs waiting to be run, by model and compute type',
    labelNames: ['key'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, depth] of Object.entries(jobs.executor.stats().queued)) this.set({ key }, depth);
    },
  });
  usageMetrics(registry, jobs);
  new Gauge({
    name: 'otf_waiting_requests',
    help: 'Requests blocked by WAIT',
    registers: [registry],
    collect() {
      this.set(jobs.waiting);
    },
  });
}

const kUsage = [
  ['otf_owner_jobs', 'Jobs of each owner', 'jobs'],
  ['otf_owner_items', 'Items, e.g. tiles, of the jobs of each owner that went through a network', 'items'],
  ['otf_owner_cpu_seconds', 'Seconds of CPU devices that jobs of each owner took', 'cpuSeconds'],
  ['otf_owner_gpu_seconds', 'Seconds of GPUs that jobs of each owner took', 'gpuSeconds'],
  ['otf_owner_bytes_in', 'Bytes each owner has uploaded', 'bytesIn'],
  ['otf_owner_bytes_out', 'Bytes of results of each owner', 'bytesOut'],
] as const;

/** Since the data folder was made; `owner` is empty for people without a name. */
function usageMetrics(registry: Registry, jobs: JobService): void {
  for (const [name, help, count] of kUsage) {
    new Gauge({
      name,
      help,
      labelNames: ['owner'],
      registers: [registry],
      collect() {
        this.reset();
        for (const used of jobs.usage(undefined, undefined, kServer))
          this.set({ owner: used.owner ?? '' }, used[count]);
      },
    });
  }
}
