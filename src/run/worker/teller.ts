/** Telling the server how an attempt goes on and ends: again and again until it has answered, or wants nothing of it any more. */
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { toOtfError } from '../../errors/catalogue.js';
import { publicText } from '../../errors/public-text.js';
import { sha256File } from '../../io/checksum.js';
import type { Outcome } from '../../jobs/executor.js';
import type { JobInfo } from '../../jobs/job.js';
import type { Environment } from '../../provenance/environment.js';
import { kBundleBytes, packed } from '../remote/bundle.js';
import { type End, kEnd, kExecuting, type SentFile } from '../remote/messages.js';
import type { Switchboard } from '../remote/switchboard.js';
import { type Front, isShutOut } from './front.js';
import type { Held } from './held.js';
import type { Shared } from './shared.js';

export interface TellerParts {
  worker: string;
  board: Switchboard;
  front: Front;
  /** Undefined: files go over HTTP. */
  shared?: Shared | undefined;
  environment: (attempt: number) => Environment;
  internal: (thrown: unknown) => void;
  leave: (why: string) => void;
}

const kAskMs = 10_000;
const kAgainMs = 300;

const kGo = z.union([
  z.strictObject({ go: z.literal(false) }),
  z.strictObject({
    go: z.literal(true),
    startedMs: z.number().nullable(),
    log: z.array(z.string()),
    baseUrl: z.string(),
  }),
]);
export type Go = z.infer<typeof kGo>;

const kEndAnswer = z.union([
  z.strictObject({ counts: z.boolean() }),
  z.strictObject({ missing: z.array(z.string()).min(1) }),
]);
type EndAnswer = z.infer<typeof kEndAnswer>;

export class Teller {
  readonly #parts: TellerParts;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  executing(held: Held, info: JobInfo): Promise<Go | undefined> {
    const said = { ...this.#of(held), info: { ...info, environment: this.#parts.environment(held.order.number) } };
    return this.#untilAnswered(kExecuting, said, kGo, () => !held.dropped);
  }

  /** Does it count? Its files first. */
  async completed(held: Held, { results, written, info, endedMs }: Outcome): Promise<boolean> {
    const files: SentFile[] = [];
    for (const file of written) {
      const path = held.folder.path(file);
      const { size } = await stat(path);
      const known = results.find((result) => result.file === file);
      files.push({ file, size, sha256: known?.sha256 ?? (await sha256File(path)) });
    }
    const facts = { ...info, environment: this.#parts.environment(held.order.number) };
    const end = { how: 'completed', results, info: facts, endedMs, files } as End;
    let missing = files.map(({ file }) => file);
    try {
      if (!this.#parts.shared && files.reduce((sum, { size }) => sum + size, 0) <= kBundleBytes) {
        const answer = await this.#endWith(held, end, files);
        if ('counts' in answer) return answer.counts;
        missing = answer.missing;
      }
      for (;;) {
        const wanted = missing;
        await this.#upload(
          held,
          files.filter(({ file }) => wanted.includes(file)),
        );
        const answer = await this.#ended(held, end);
        if (!answer || 'counts' in answer) return answer?.counts ?? false;
        missing = answer.missing;
        // File systems that are shared take their time.
        if (this.#parts.shared) await pause(kAgainMs, undefined, { signal: held.stop.signal });
      }
    } catch (thrown) {
      if (held.dropped) return false;
      const error = toOtfError(thrown);
      const { code, message } = error;
      if (isShutOut(error)) {
        this.#parts.leave(message);
        return this.end(held, { how: 'back', reason: 'the server does not let its worker in any more' });
      }
      // The server will not have them: nobody else could bring them either.
      return this.end(held, { how: 'failed', type: 'fatal', code, message: publicText(message) });
    }
  }

  /** In one request. */
  async #endWith(held: Held, end: End, files: readonly SentFile[]): Promise<EndAnswer> {
    const contents = await Promise.all(files.map(({ file }) => readFile(held.folder.path(file))));
    const { job, attempt } = held.order;
    const report = { ...this.#of(held), used: held.used, end };
    const errand = { attempt, signal: held.stop.signal };
    return kEndAnswer.parse(await this.#parts.front.end(job.id, packed(report, contents), errand));
  }

  async end(held: Held, end: End): Promise<boolean> {
    const answer = await this.#ended(held, end);
    return answer !== undefined && 'counts' in answer && answer.counts;
  }

  async #upload(held: Held, files: readonly SentFile[]): Promise<void> {
    const { job, attempt } = held.order;
    const errand = { attempt, signal: held.stop.signal };
    for (const { file, size, sha256 } of files) {
      if (this.#parts.shared) {
        await this.#parts.shared.bring(job.id, attempt, file, held.folder.path(file));
        continue;
      }
      const address = `/work/jobs/${job.id}/files/${encodeURIComponent(file)}?SHA256=${sha256}`;
      await this.#parts.front.upload(address, held.folder.path(file), size, errand);
    }
  }

  #ended(held: Held, end: End): Promise<EndAnswer | undefined> {
    const said = { ...this.#of(held), used: held.used, end };
    // What is dropped is told once: nobody waits for it.
    return this.#untilAnswered(kEnd, said, kEndAnswer, () => end.how !== 'dropped' && !held.dropped);
  }

  #of({ order: { job, attempt } }: Held): { job: string; attempt: string; worker: string } {
    return { job: job.id, attempt, worker: this.#parts.worker };
  }

  /** Undefined when nobody wants to know any more. */
  async #untilAnswered<T>(
    subject: string,
    said: unknown,
    shape: z.ZodType<T>,
    wanted: () => boolean,
  ): Promise<T | undefined> {
    const { board, internal } = this.#parts;
    for (;;) {
      try {
        return shape.parse(await board.ask(subject, said, kAskMs));
      } catch (thrown) {
        if (toOtfError(thrown).code !== 'OTF_SERVER_UNREACHABLE') internal(thrown);
        if (!wanted()) return undefined;
        await pause(kAgainMs);
      }
    }
  }
}
