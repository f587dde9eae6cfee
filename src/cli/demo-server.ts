/** The demonstration's way through a server of its own: started here, on a free port, with a data folder beside the results. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { UwsClient } from '../client/client.js';
import type { RemoteJob } from '../client/documents.js';
import { loadConfig } from '../config/load.js';
import type { CatalogueColumns, ImageSummary, StageTimes } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import { startServer } from '../http/server.js';
import { kDefaultModel } from '../models/registry.js';
import { nativePixel } from '../results/pixels.js';
import { LocalRunner } from '../run/local/runner.js';
import { BatchExecutor } from '../schedule/executor.js';
import { inFormat } from './download.js';
import { progressBar } from './progress.js';
import { waitForEnd } from './remote.js';

/** What the demonstration shows, read back from the files the server gave. */
export interface Shown {
  job: RemoteJob;
  run: Record<string, string | number>;
  image: ImageSummary;
  times: StageTimes;
  found: CatalogueColumns;
}

interface JsonCatalogue extends Pick<Shown, 'run' | 'image' | 'times'> {
  columns: { name: string }[];
  sources: Record<string, number | string | null>[];
}

/** Leaves `catalogue.vot` in `folder`. Throws what the job failed of. */
export async function detectThroughServer(image: string, folder: string): Promise<Shown> {
  const config = await loadConfig({
    env: process.env,
    flags: { server: { port: 0 }, storage: { data_dir: join(folder, 'server'), reserve_mb: 1 } },
  });
  const server = await startServer({
    config,
    executor: new BatchExecutor(new LocalRunner()),
    log: pino({ level: 'silent' }),
  });
  try {
    const client = new UwsClient(server.url);
    const bar = progressBar('bytes');
    const id = await client
      .submit({ IMAGE: image }, { MODEL: kDefaultModel, RUNID: 'demo' }, bar.update)
      .finally(bar.stop);
    const job = await waitForEnd(client, id);
    if (job.phase !== 'COMPLETED') throw new OtfError('OTF_ENGINE_FAILED', job.error ?? `the job ended ${job.phase}`);
    await client.download(inFormat(job, 'votable'), join(folder, 'catalogue.vot'));
    const path = join(folder, 'catalogue.json');
    await client.download(inFormat(job, 'json'), path);
    const { run, image: summary, times, sources } = JSON.parse(await readFile(path, 'utf8')) as JsonCatalogue;
    return { job, run, image: summary, times, found: columnsOf(sources) };
  } finally {
    await server.stop();
  }
}

/** As the native side gives them. */
function columnsOf(sources: JsonCatalogue['sources']): CatalogueColumns {
  const of = (name: string) =>
    Float64Array.from(sources, (row) => (typeof row[name] === 'number' ? row[name] : Number.NaN));
  const none = new Int32Array(sources.length);
  return {
    count: sources.length,
    raDeg: of('ra'),
    decDeg: of('dec'),
    x: of('x').map(nativePixel),
    y: of('y').map(nativePixel),
    widthPx: Float32Array.from(of('width')),
    heightPx: Float32Array.from(of('height')),
    probability: Float32Array.from(of('probability')),
    objectness: Float32Array.from(of('objectness')),
    prior: none,
    tile: none,
    cell: none,
    paPixelDeg: of('pa_pixel'),
    paDeg: of('pa'),
    primaryBeam: of('primary_beam'),
    values: { flux: of('flux'), bmaj: of('bmaj'), bmin: of('bmin') },
  };
}
