/** One job for every new object, whatever happens in between (ledger.ts). */
import { setTimeout as pause } from 'node:timers/promises';
import type { UwsClient } from '../client/client.js';
import { type OtfError, toOtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import type { Ledger } from './ledger.js';
import type { Seen, Source } from './source.js';

export interface WatcherParts {
  client: Pick<UwsClient, 'create' | 'start'>;
  source: Source;
  ledger: Ledger;
  /** Fields of a request for the object; `{name}` and `{stem}` in them are its own. */
  fields: Record<string, string>;
  /** Input of the job that the object is. */
  input: string;
  /** Objects that are there at the very first start are left alone. */
  onlyNew: boolean;
  say: (line: string) => void;
  signal: AbortSignal;
}

const kFirstAgainMs = 1_000;
const kLastAgainMs = 60_000;

/** A server would refuse the field, and with it the object: control characters, and what XML 1.0 (section 2.2) cannot hold. */
const kNotInFields =
  /[\u0000-\u001f\u007f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export class Watcher {
  readonly #parts: WatcherParts;

  constructor(parts: WatcherParts) {
    this.#parts = parts;
  }

  /** Until the signal. Throws what a server refuses every object with. */
  async watch(): Promise<void> {
    const { source, ledger, signal, onlyNew } = this.#parts;
    // Before anything new: these have a job, and wait for its start.
    for (const { key, job } of ledger.made()) await this.#untilDone(() => this.#start(key, job));
    if (onlyNew) await ledger.begin(() => source.present(signal));
    for await (const seen of source.objects(signal)) {
      if (signal.aborted) return;
      if (!(await this.#take(seen))) return;
      seen.taken?.();
    }
  }

  /** False: the signal was given before it was done. */
  #take(seen: Seen): Promise<boolean> {
    const { ledger, say } = this.#parts;
    return this.#untilDone(async () => {
      const known = ledger.of(seen.key);
      if (known !== undefined && known.state !== 'made') return;
      try {
        const job = known?.job ?? (await this.#make(seen));
        await this.#start(seen.key, job);
        say(`${seen.name}: ${job}`);
      } catch (thrown) {
        const error = toOtfError(thrown);
        if (!isOfOne(error)) throw error;
        ledger.write(seen.key, { state: 'refused', job: null });
        say(`${seen.name}: ${error.message}`);
      }
    });
  }

  /** Again and again, as long as the server only cannot take it now. False: the signal was given. */
  async #untilDone(act: () => Promise<void>): Promise<boolean> {
    const { say, signal } = this.#parts;
    for (let againMs = kFirstAgainMs; !signal.aborted; againMs = Math.min(kLastAgainMs, 2 * againMs)) {
      try {
        await act();
        return true;
      } catch (thrown) {
        const error = toOtfError(thrown);
        if (!isPassing(error)) throw error;
        say(`${error.message}: again in ${againMs / 1000} s`);
        await pause(againMs, undefined, { signal }).catch(() => undefined);
      }
    }
    return false;
  }

  /** PENDING: it runs when the ledger knows it. */
  async #make({ key, input, name }: Seen): Promise<string> {
    const { client, fields, ledger, input: field } = this.#parts;
    const plain = name.replace(kNotInFields, '_');
    const stem = plain.replace(/\.gz$/i, '').replace(/\.[^.]*$/, '');
    const filled = Object.entries(fields).map(([field, value]) => [
      field,
      value.replaceAll('{name}', plain).replaceAll('{stem}', stem),
    ]);
    const job = await client.create({ [field]: input }, Object.fromEntries(filled), () => undefined);
    ledger.write(key, { state: 'made', job });
    return job;
  }

  async #start(key: string, job: string): Promise<void> {
    const { client, ledger, say } = this.#parts;
    if (await client.start(job)) {
      ledger.write(key, { state: 'started', job });
      return;
    }
    // Its server has lost it, or it was deleted before it began: by somebody who did not want it.
    say(`the job ${job} of ${publicUrl(key)} is gone: it is not made again`);
    ledger.write(key, { state: 'started', job });
  }
}

/** The object is to blame, and no other has to wait. */
function isOfOne({ code }: OtfError): boolean {
  return code === 'OTF_TOO_LARGE' || code === 'OTF_INPUT_UNREADABLE';
}

function isPassing({ code, kind }: OtfError): boolean {
  return code === 'OTF_SERVER_UNREACHABLE' || (kind.uws === 'transient' && code !== 'OTF_SERVER_ANSWER');
}
