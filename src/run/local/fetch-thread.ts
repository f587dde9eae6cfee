/**
 * Images from elsewhere are received in a thread of its own. What comes are buffers outside of V8's heap, for some megabytes of
 * which it looks through all of that heap: the thread's is small, the server's is not. And no request waits for a checksum.
 */
import { MessageChannel } from 'node:worker_threads';
import { OtfError } from '../../errors/catalogue.js';
import { type FetchedImage, type FetchLimits, kCheckedBytes } from '../../fetch/fetch-image.js';
import { valueIn, type WorkAnswer } from '../../threads/answer.js';
import { Crew } from '../../threads/crew.js';
import type { FetchNews, FetchOrder, FetchWord } from './fetch-worker.js';

const kEntry = new URL('./fetch-worker-entry.cjs', import.meta.url);
/** No more than these are asked for (fetch.at_once). */
const kMostAtOnce = 1000;
/** For what is left to do when the time of a transfer is over. */
const kGraceMs = 60_000;
const kLongestTimerMs = 2 ** 31 - 1;

export class FetchThread {
  readonly #crew = new Crew({ entry: kEntry, threads: 1, each: kMostAtOnce, listens: true });

  get ready(): Promise<unknown> {
    return this.#crew.ready;
  }

  /** As fetchImage. What `limits.assertRoom` throws ends it a little later than there. */
  async fetch(
    addresses: readonly string[],
    path: string,
    { assertRoom, watch, ...limits }: FetchLimits,
    signal: AbortSignal,
  ): Promise<FetchedImage> {
    signal.throwIfAborted();
    const { port1: port, port2: far } = new MessageChannel();
    const trouble = new AbortController();
    const either = AbortSignal.any([signal, trouble.signal]);
    const say = (word: FetchWord) => port.postMessage(word);
    const stop = () => say('stop');
    either.addEventListener('abort', stop, { once: true });
    let checked = 0;
    const hear = (news: FetchNews) => {
      if (news.restarts) {
        checked = 0;
        return watch?.restarts();
      }
      if (news.bytes - checked >= kCheckedBytes) {
        checked = news.bytes;
        assertRoom?.();
      }
      watch?.came(news.bytes, news.total);
    };
    port.on('message', async (news: FetchNews) => {
      try {
        await hear(news);
      } catch (thrown) {
        trouble.abort(thrown);
      }
      if (news.restarts) say('known');
    });
    try {
      const limitMs = Math.min(addresses.length * limits.timeoutMs + kGraceMs, kLongestTimerMs);
      const answer = await this.#ask({ addresses, path, limits, port: far }, limitMs);
      either.throwIfAborted();
      return valueIn(answer);
    } catch (thrown) {
      // What has gone wrong after that is of no interest.
      throw either.aborted ? either.reason : thrown;
    } finally {
      either.removeEventListener('abort', stop);
      port.close();
    }
  }

  #ask(order: FetchOrder, limitMs: number): Promise<WorkAnswer<FetchedImage>> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new OtfError('OTF_INTERNAL', 'a transfer does not end with its time'));
      this.#crew.run<FetchedImage>(order, limitMs, late, [order.port]).then(resolve, reject);
    });
  }

  /** Nothing native runs there: it can be ended at any time. */
  close(): Promise<void> {
    return this.#crew.destroy();
  }
}
