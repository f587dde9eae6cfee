/**
 * When the whole file of an image is hashed. A small box of a large file takes what the box takes: its checksum would take
 * half a minute for 3.6 GB. So a result carries the checksum when the file is small or a fair part of it has been read, which
 * depends on the request alone and never on which was faster; else it carries the file's size and time.
 */
import { stat } from 'node:fs/promises';
import type { ImageSummary } from '../engine/addon.js';
import { sha256File } from '../io/checksum.js';

const kSmallBytes = 64 * 2 ** 20;
/** Of the file: reading the rest for the checksum takes less than searching this part. */
const kFairPart = 1 / 16;

export interface InputFacts {
  sha256?: string | undefined;
  size: number;
  modified: Date;
}

/** Hashing begins now, beside the work. */
export class InputChecksum {
  readonly #stop = new AbortController();
  readonly #hashed: Promise<string>;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.#hashed = sha256File(path, this.#stop.signal);
    // Awaited in facts(); until then a failure of the image is the work's to report.
    this.#hashed.catch(() => undefined);
  }

  /** After the work. Waits for the checksum where one is due. */
  async facts(image: ImageSummary, always: boolean): Promise<InputFacts> {
    const { size, mtime: modified } = await stat(this.#path);
    if (always || isDue(size, image)) return { sha256: await this.#hashed, size, modified };
    this.stop();
    return { size, modified };
  }

  stop(): void {
    this.#stop.abort();
  }
}

/** Exported for the test. */
export function isDue(fileBytes: number, { region, bitpix }: Pick<ImageSummary, 'region' | 'bitpix'>): boolean {
  const searched = region.width * region.height * (Math.abs(bitpix) / 8);
  return fileBytes <= kSmallBytes || searched >= fileBytes * kFairPart;
}
