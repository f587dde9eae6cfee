/** An executor for tests of the protocol: runs nothing, moves jobs as it is told. Never part of the product. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError } from '#otf/errors/catalogue.js';
import type {
  AbortReason,
  Admission,
  Executor,
  ExecutorHost,
  ExecutorState,
  ExecutorStats,
} from '#otf/jobs/executor.js';
import type { Job, JobFailure } from '#otf/jobs/job.js';
import { kDetection } from '#otf/tasks/detection/kind.js';
import type { FileKind, ResultFile, RowFilter } from '#otf/tasks/files.js';
import { kLogFile, logText } from '#otf/tasks/log.js';
import { type ProvenanceFacts, provenanceTexts } from '#otf/tasks/provenance-files.js';

export interface FakeOptions {
  /** Time in EXECUTING; Infinity = until told. */
  delayMs?: number;
  /** Jobs stay QUEUED until release() is called. */
  hold?: boolean;
  maxQueued?: number;
  failure?: (job: Job) => JobFailure | undefined;
  catalogue?: string;
}

export const kCatalogue = `<?xml version="1.0"?><VOTABLE version="1.4">${'<!-- row -->'.repeat(400)}</VOTABLE>\n`;

export class FakeExecutor implements Executor {
  readonly environment = { 'srv.HostName': 'fake' };
  readonly options: FakeOptions;
  readonly submitted: string[] = [];
  readonly represented: string[] = [];
  readonly aborted: { id: string; why: AbortReason }[] = [];
  readonly queue: Job[] = [];
  readonly running = new Set<string>();
  ready = true;
  stopped = false;
  host!: ExecutorHost;

  constructor(options: FakeOptions = {}) {
    this.options = options;
  }

  async start(host: ExecutorHost): Promise<void> {
    this.host = host;
  }

  admit(reserved: number): Admission {
    const limit = this.options.maxQueued ?? Number.POSITIVE_INFINITY;
    if (this.queue.length + reserved < limit) return { accepted: true };
    return { accepted: false, retryAfterS: 7, reason: `queue holds ${this.queue.length} of ${limit} jobs` };
  }

  submit(job: Job): void {
    this.submitted.push(job.id);
    this.queue.push(job);
    if (!this.options.hold) this.#start(job);
  }

  /** Run everything that waits. */
  release(): void {
    for (const job of [...this.queue]) this.#start(job);
  }

  abort(id: string, why: AbortReason): void {
    this.aborted.push({ id, why });
    this.#unqueue(id);
    this.running.delete(id);
  }

  position(id: string): number | undefined {
    const index = this.queue.findIndex((job) => job.id === id);
    return index < 0 ? undefined : index + 1;
  }

  idle(): boolean {
    return false;
  }

  remainingMs(id: string): number | undefined {
    const position = this.position(id);
    return position === undefined ? undefined : position * 1000;
  }

  stats(): ExecutorStats {
    return { ready: this.ready, queued: { 'demo/FP32C_FP32A': this.queue.length }, executing: this.running.size };
  }

  state(): ExecutorState {
    const { length: waiting } = this.queue;
    const oldestMs = this.queue[0]?.queuedMs ?? 0;
    const line = { key: 'demo/FP32C_FP32A', waiting, oldestMs, batch: Math.min(waiting, 8), why: 'busy' as const };
    const network = { key: line.key, engine: 'fake', device: 'none', memoryBytes: 3e6, loaded: true, restarts: 1 };
    const devices = [{ name: 'cpu', busy: this.running.size > 0, networks: [network] }];
    return { queues: waiting > 0 ? [line] : [], maxBatch: 8, devices, gpus: [], itemsPerSecond: 12.5 };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const id of this.running) await this.host.requeued(id);
    this.running.clear();
  }

  /** A failure inside is the test's to see; but a deleted job has no folder to write into, and a server that has ended no store. */
  #start(job: Job): void {
    this.#run(job).catch((thrown) => {
      if (!this.stopped && (thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
    });
  }

  #unqueue(id: string): void {
    const index = this.queue.findIndex((job) => job.id === id);
    if (index >= 0) this.queue.splice(index, 1);
  }

  async #run(job: Job): Promise<void> {
    this.#unqueue(job.id);
    if (!(await this.host.executing(job.id, { batchId: 'b1', batchSize: 1, batchReason: 'idle' }))) return;
    this.running.add(job.id);
    this.host.progress(job.id, { done: 1, total: 4, unit: 'tiles' });
    this.host.log(job.id, 'info', 'first tile done');
    const delay = this.options.delayMs ?? 0;
    if (delay === Number.POSITIVE_INFINITY) return;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    if (!this.running.delete(job.id)) return;
    await this.finish(job.id);
  }

  /** End a job now, as well or as badly as the options say. */
  async finish(id: string): Promise<boolean> {
    const job = this.host.job(id);
    if (!job) return false;
    const failure = this.options.failure?.(job);
    if (failure) return this.host.failed(id, failure);
    const { ref: dir } = this.host.folder(id);
    const closing = this.host.closing(id);
    if (!closing) return false;
    const asked = job.parameters.responseFormat ?? 'votable';
    const result = await this.#catalogue(dir, 'result', asked);
    const endedMs = Date.now();
    const results = [
      result,
      await file(dir, { id: 'raw', file: 'raw.dat', mime: 'application/octet-stream' }, kRaw),
      await file(dir, kLogFile, logText(closing.log)),
    ];
    const { baseUrl } = closing;
    const provenance = provenanceTexts({ kind: kDetection, job, endedMs, results, baseUrl, facts: kFacts });
    for (const [kind, text] of provenance) results.push(await file(dir, kind, text));
    return this.host.completed(id, {
      results,
      written: [],
      endedMs,
      info: { engine: 'fake', device: 'none', computeType: job.quantization, found: 7, progress: kDone },
    });
  }

  async represent({ id: jobId }: Job, format: string, filter?: RowFilter): Promise<ResultFile> {
    if (filter) throw new Error('it has no rows to choose');
    this.represented.push(`${jobId} ${format}`);
    if (format === 'fits') throw new OtfError('OTF_NOT_FOUND', 'no FITS here');
    return this.#catalogue(this.host.folder(jobId).ref, format, format);
  }

  #catalogue(dir: string, id: string, format: string): Promise<ResultFile> {
    const text = this.options.catalogue ?? kCatalogue;
    const known: Record<string, [string, string]> = {
      votable: ['application/x-votable+xml;serialization=TABLEDATA', text],
      'votable-binary2': ['application/x-votable+xml;serialization=BINARY2', `${text}b2`],
      csv: ['text/csv;header=present', 'id,ra\n1,2\n'],
    };
    const [mime, content] = known[format] ?? ['application/json', '{}'];
    return file(dir, { id, file: `catalogue.${format}`, mime, format }, content);
  }
}

const kRaw = Buffer.from(new Float32Array([1, 2, 3]).buffer);
const kSha256 = 'a'.repeat(64);
const kDone = { done: 4, total: 4, unit: 'tiles' };
const kFacts: ProvenanceFacts = {
  inputs: { IMAGE: [{ name: 'image.fits', sha256: kSha256, size: 10 }] },
  aboutInputs: {},
  asked: {},
  weights: { name: 'weights.dat', sha256: kSha256, size: 20 },
  description: { id: 'demo-continuum', title: 'Demonstration' },
  engine: { name: 'fake', version: '0', device: 'none' },
  parameters: { objectness_threshold: '0.6,0.7', tile: 256, overlap: 32, scale: 0.5 },
  batch: { id: 'b1', startedMs: 1_700_000_000_000, endedMs: 1_700_000_005_000, size: 1, reason: 'idle' },
};

async function file(dir: string, kind: FileKind, content: string | Buffer): Promise<ResultFile> {
  const bytes = Buffer.from(content as string);
  await writeFile(join(dir, kind.file), bytes);
  return { ...kind, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
