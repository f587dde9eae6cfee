/** New objects of a bucket below a prefix, listed again and again (ListObjectsV2); the server fetches them with keys of its own. */
import { setTimeout as pause } from 'node:timers/promises';
import { toOtfError } from '../errors/catalogue.js';
import { isImageName } from '../fetch/image-names.js';
import { listObjects, type ObjectStore } from '../fetch/s3-list.js';
import type { Seen, Source } from './source.js';

export class BucketSource implements Source {
  readonly label: string;
  readonly #store: ObjectStore;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #everyMs: number;
  readonly #say: (line: string) => void;
  readonly #told = new Set<string>();

  constructor(address: URL, store: ObjectStore, everyMs: number, say: (line: string) => void) {
    this.label = address.href;
    this.#store = store;
    this.#bucket = address.hostname;
    this.#prefix = decodeURIComponent(address.pathname.slice(1));
    this.#everyMs = everyMs;
    this.#say = say;
  }

  async *present(signal: AbortSignal): AsyncIterable<string> {
    for await (const { key, etag } of listObjects(this.#store, this.#bucket, this.#prefix, signal))
      yield `${key} ${etag}`;
  }

  async *objects(signal: AbortSignal): AsyncIterable<Seen> {
    let said = '';
    for (;;) {
      try {
        for await (const { key, etag, size } of listObjects(this.#store, this.#bucket, this.#prefix, signal)) {
          const name = key.slice(key.lastIndexOf('/') + 1);
          const version = `${key} ${etag}`;
          if (size === 0 || !isImageName(name) || this.#told.has(version)) continue;
          this.#told.add(version);
          const path = key.split('/').map(encodeURIComponent).join('/');
          yield { key: version, input: `s3://${this.#bucket}/${path}`, name };
        }
        said = '';
      } catch (thrown) {
        const error = toOtfError(thrown);
        if (error.code !== 'OTF_FETCH_FAILED') throw error;
        if (error.message !== said && !signal.aborted) this.#say(error.message);
        said = error.message;
      }
      await pause(this.#everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }
}
