/** What the server has: jobs, uploads no job is made of yet, and pictures of both. */
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import { kServer } from '../jobs/access.js';
import type { Executor } from '../jobs/executor.js';
import { JobService } from '../jobs/service.js';
import { Pictures } from '../pictures/service.js';
import { KeptUploads } from '../uploads/store.js';
import { bringLater } from '../uws/job-inputs.js';
import { jobMetrics } from './metrics.js';

export interface Services {
  jobs: JobService;
  uploads: KeptUploads;
  pictures: Pictures;
  /** Before anybody connects. */
  start: () => Promise<void>;
  /** Once nothing is asked any more. */
  close: () => Promise<void>;
}

export interface ServiceOptions {
  config: Config;
  executor: Executor;
  log: Logger;
  metrics: Registry;
}

/** Throws OTF_STORE_UNUSABLE: whoever gets past it has the data folder for himself. */
export function makeServices({ config, executor, log, metrics }: ServiceOptions): Services {
  const jobs = new JobService({ config, executor, log, metrics, bring: bringLater, otherBytes: () => uploads.bytes });
  jobMetrics(metrics, jobs);
  const pictures = new Pictures({ config, metrics, assertRoom: (bytes) => jobs.uploads.assertRoom(bytes) });
  const forget = (group: string) => {
    pictures.forget(group).catch((thrown) => log.error({ err: thrown }, 'pictures of what is gone'));
  };
  const uploads: KeptUploads = new KeptUploads({
    config,
    log,
    assertBytes: (bytes) => jobs.assertBytes(bytes),
    gone: forget,
  });
  jobs.subscribe((event) => {
    if (event.type === 'phase' && event.phase === 'DELETED') forget(event.jobId);
  }, kServer);
  uploadMetrics(metrics, uploads, pictures);
  return {
    jobs,
    uploads,
    pictures,
    start: async () => {
      const failed = (thrown: unknown) => log.error({ err: thrown }, 'pictures that are kept');
      await Promise.all([uploads.open(), pictures.open(failed)]);
      await jobs.start();
    },
    close: async () => {
      uploads.close();
      await pictures.close();
      jobs.close();
    },
  };
}

function uploadMetrics(registry: Registry, uploads: KeptUploads, pictures: Pictures): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge('otf_uploads', 'Uploads that no job is made of yet', () => uploads.count);
  gauge('otf_uploads_bytes', 'Their bytes', () => uploads.bytes);
  gauge('otf_pictures_cached_bytes', 'Files that pictures come of, and pictures', () => pictures.cachedBytes);
}
