/** A load like that of many users: jobs at an interval, of which some are aborted before they end. */
import { setTimeout as pause } from 'node:timers/promises';
import { OtfError, toOtfError } from '../errors/catalogue.js';

export interface EmulationSpec {
  image: string;
  model: string;
  jobs: number;
  intervalS: number;
  /** 0 to 1. */
  abortProbability: number;
}

/** What a full server means: OTF_QUEUE_FULL and the like come as 503. */
const kFull = /^the server answered 503\b/;
const kBusyPauseMs = 500;

export const kMaxEmulated = 100_000;

/** From the texts of a form. Throws OTF_USAGE, naming what is wrong. */
export function readEmulation(given: Readonly<Record<string, string>>): EmulationSpec {
  const number = (name: string, min: number, max: number, whole: boolean) => {
    const value = given[name]?.trim() ? Number(given[name]) : Number.NaN;
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    throw new OtfError('OTF_USAGE', `${name}: ${whole ? 'a whole number' : 'a number'} from ${min} to ${max}`);
  };
  const image = given.image?.trim() ?? '';
  if (image === '') throw new OtfError('OTF_USAGE', 'image: a FITS file, a URL, or job:ID/IMAGE');
  return {
    image,
    model: given.model?.trim() ?? '',
    jobs: number('jobs', 1, kMaxEmulated, true),
    intervalS: number('interval s', 0, 3600, false),
    abortProbability: number('abort probability', 0, 1, false),
  };
}

export interface LoadActions {
  submit: (image: string, model: string) => Promise<string>;
  abort: (id: string) => Promise<void>;
}

/**
 * Until all are sent, or the signal; gives what became of it. A server that is full is asked again later, as its own
 * clients would; whatever else it refuses ends the emulation.
 */
export async function emulate(
  { image, model, jobs, intervalS, abortProbability }: EmulationSpec,
  actions: LoadActions,
  signal: AbortSignal,
  tell: (line: string) => void,
  random: () => number = Math.random,
): Promise<string> {
  const counts = { sent: 0, aborted: 0, refused: 0 };
  const line = () =>
    `${counts.sent} of ${jobs} jobs sent, ${counts.aborted} aborted${counts.refused > 0 ? `, ${counts.refused} times the server was full` : ''}`;
  const aborts: Promise<void>[] = [];
  while (counts.sent < jobs && !signal.aborted) {
    try {
      const id = await actions.submit(image, model);
      counts.sent++;
      if (random() < abortProbability) aborts.push(abortLater(id, random() * intervalS * 2000));
    } catch (thrown) {
      if (!kFull.test(toOtfError(thrown).message)) throw thrown;
      counts.refused++;
      await pause(kBusyPauseMs, undefined, { signal }).catch(() => undefined);
    }
    tell(line());
    await pause(intervalS * 1000, undefined, { signal }).catch(() => undefined);
  }
  await Promise.all(aborts);
  return `emulation ${signal.aborted ? 'stopped' : 'done'}: ${line()}`;

  async function abortLater(id: string, afterMs: number): Promise<void> {
    await pause(afterMs);
    try {
      await actions.abort(id);
      counts.aborted++;
    } catch (thrown) {
      // Deleted meanwhile, or the server is gone: nothing is left to abort.
      tell(toOtfError(thrown).message);
    }
  }
}
