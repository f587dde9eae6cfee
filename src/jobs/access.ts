/**
 * Who may have a job, or an upload no job is made of yet. The one place: whatever gives, lists or changes them for somebody
 * asks here, with who is asking.
 */
import { OtfError } from '../errors/catalogue.js';

/** Who asks. A request is one. */
export interface Asker {
  /** null = anonymous. */
  readonly owner: string | null;
  /** The address he asks from. */
  readonly remote: string;
}

/** The server itself, when the time of a job has come. */
export const kServer: Asker = { owner: null, remote: '' };

/** What is somebody's. */
export type Owned = Asker;

/** Undefined = there is none, for him. An id is not to be guessed (folders.ts): whoever knows it may have what it names. */
export function visible<T extends Owned>(thing: T | undefined, _who: Asker): T | undefined {
  return thing;
}

/** Throws OTF_NOT_FOUND. */
export function accessible<T extends Owned>(thing: T | undefined, who: Asker, what = 'job'): T {
  const seen = visible(thing, who);
  if (!seen) throw new OtfError('OTF_NOT_FOUND', `no such ${what}`);
  return seen;
}
