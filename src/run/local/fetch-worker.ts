/** Runs in the thread that receives images: fetch-thread.ts. */
import type { MessagePort } from 'node:worker_threads';
import { type FetchedImage, type FetchLimits, fetchImage, type TransferWatch } from '../../fetch/fetch-image.js';
import { answerOf, type WorkAnswer } from '../../threads/answer.js';

export interface FetchOrder {
  addresses: readonly string[];
  path: string;
  limits: Omit<FetchLimits, 'assertRoom' | 'watch'>;
  /** To whoever asked. */
  port: MessagePort;
}

/** What TransferWatch hears. */
export type FetchNews = { restarts: true } | { restarts: false; bytes: number; total: number | undefined };
/** The transfer is not wanted any more, or whoever reads the file knows that it comes from its beginning. */
export type FetchWord = 'stop' | 'known';

export default async function work({ addresses, path, limits, port }: FetchOrder): Promise<WorkAnswer<FetchedImage>> {
  const stop = new AbortController();
  let known: () => void = () => undefined;
  port.on('message', (word: FetchWord) => {
    if (word === 'stop') stop.abort();
    else known();
  });
  const tell = (news: FetchNews) => port.postMessage(news);
  const watch: TransferWatch = {
    restarts: () =>
      new Promise((resolve) => {
        known = resolve;
        tell({ restarts: true });
      }),
    came: (bytes, total) => tell({ restarts: false, bytes, total }),
  };
  try {
    return await answerOf(() => fetchImage(addresses, path, { ...limits, watch }, stop.signal));
  } finally {
    port.close();
  }
}
