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
  /** Jobs of everybody are his. */
  readonly admin: boolean;
}

/** The server itself, when the time of a job has come. */
export const kServer: Asker = { owner: null, remote: '', admin: true };

/** What is somebody's. */
export interface Owned {
  readonly owner: string | null;
}

/**
 * Owners have what is their own and nothing else. What is nobody's is for people without a name, who need its id: an id is not
 * to be guessed (folders.ts).
 */
export function isHis(owner: string | null, who: Asker): boolean {
  return who.admin || owner === who.owner;
}

/** Undefined = there is none, for him. */
export function visible<T extends Owned>(thing: T | undefined, who: Asker): T | undefined {
  return thing && isHis(thing.owner, who) ? thing : undefined;
}

/** Whose jobs a list may have: all, or those of one owner (null = of nobody). */
export function listed(who: Asker): 'all' | { owner: string | null } {
  return who.admin ? 'all' : { owner: who.owner };
}

/** Throws OTF_NOT_FOUND. */
export function accessible<T extends Owned>(thing: T | undefined, who: Asker, what = 'job'): T {
  const seen = visible(thing, who);
  if (!seen) throw new OtfError('OTF_NOT_FOUND', `no such ${what}`);
  return seen;
}
