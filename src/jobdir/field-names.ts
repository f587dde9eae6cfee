/** Names that job.json may have: nobody but us reads it, so one that we do not know is a slip, and is not passed over. */
import { OtfError } from '../errors/catalogue.js';
import { kCreationNames } from '../uws/creation.js';

/** Of a server's jobs alone. */
const kOfServers = ['PHASE', 'AFTER', 'DESTRUCTION', 'PRIORITY'];
const kNames = [...kCreationNames].filter((name) => !kOfServers.includes(name));
/** A slip of more letters is another name. */
const kMostSlips = 2;

/** In capitals. Throws OTF_BAD_REQUEST. */
export function fieldNamed(given: string): string {
  const name = given.toUpperCase();
  if (kOfServers.includes(name))
    throw new OtfError('OTF_BAD_REQUEST', `${name} is for jobs of a server, not of a folder`);
  if (kCreationNames.has(name)) return name;
  const like = nearest(name);
  const there = like === undefined ? `there are ${kNames.filter(isOfItsOwn).join(', ')}` : `is it ${like}?`;
  throw new OtfError('OTF_BAD_REQUEST', `there is no field ${JSON.stringify(given.slice(0, 40))}: ${there}`);
}

/** Not of one of the inputs. */
function isOfItsOwn(name: string): boolean {
  return !/_(MIRRORS|SHA256|MD5|ADLER32)$/.test(name);
}

function nearest(name: string): string | undefined {
  if (name.length > 40) return undefined;
  const [best] = kNames.map((known) => ({ known, slips: slips(name, known) })).sort((a, b) => a.slips - b.slips);
  // Of a short name so many letters would be most of it.
  return best && best.slips <= Math.min(kMostSlips, name.length / 2) ? best.known : undefined;
}

/** Letters to be put in, taken out or changed (Levenshtein). */
function slips(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [row, letter] of [...from].entries()) {
    const now = [row + 1];
    for (let at = 1; at <= to.length; at++) {
      const changed = (above[at - 1] ?? 0) + (letter === to[at - 1] ? 0 : 1);
      now.push(Math.min(changed, (above[at] ?? 0) + 1, (now[at - 1] ?? 0) + 1));
    }
    above = now;
  }
  return above[to.length] ?? 0;
}
