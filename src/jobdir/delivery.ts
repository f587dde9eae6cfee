/**
 * Results of a folder's job to where it wants them (RESULTS_TO), once they are whole in the folder: a place that is away takes
 * nothing from what has been computed, and the next run of the folder only brings them.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config/schema.js';
import { addressesOf } from '../deliver/addresses.js';
import { putLimits } from '../deliver/limits.js';
import { toOtfError } from '../errors/catalogue.js';
import { publicText } from '../errors/public-text.js';
import { putFile } from '../fetch/put.js';
import { type FolderState, kResultsDir, writeDelivered } from './state.js';

export interface Wanted {
  /** Of RESULTS_TO, whole. */
  address: string;
  runId: string | null;
}

const kFirstAgainMs = 1000;
const kMostAgainMs = 60_000;

/** Of a job that is COMPLETED; how it stands then. Throws what keeps it from being written down. */
export async function deliverFolder(
  dir: string,
  state: FolderState,
  { address, runId }: Wanted,
  { fetch }: Pick<Config, 'fetch'>,
  stop: AbortSignal,
): Promise<FolderState> {
  const { id, results = [] } = state;
  const untilMs = performance.now() + fetch.send_s * 1000;
  let files = 0;
  const all = addressesOf({ id, runId, results }, address);
  for (let againMs = kFirstAgainMs; ; againMs = Math.min(2 * againMs, kMostAgainMs)) {
    try {
      const limits = putLimits(fetch, null);
      for (let next = all[files]; next; next = all[++files]) {
        const { address: to, result } = next;
        await putFile(to, { ...result, path: join(dir, kResultsDir, result.file) }, limits, stop);
      }
      return await writeDelivered(dir, { ...state, delivery: { state: 'done', files } });
    } catch (thrown) {
      const { code, message } = stop.aborted
        ? { code: '', message: `cut short by ${String(stop.reason)}: run it again` }
        : toOtfError(thrown);
      if (code !== 'OTF_SEND_FAILED' || performance.now() + againMs > untilMs) {
        const said = publicText(message);
        return writeDelivered(dir, { ...state, delivery: { state: 'failed', files, message: said } });
      }
      // A signal ends the pause, and the next try at once.
      await pause(againMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
