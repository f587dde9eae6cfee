/** KEEP and FIND of a request for a table: which of its rows are wanted. */
import type { Bound, RowFilter } from '../results/filter.js';
import { badRequest, type Parameters } from './parameters.js';

/** Of a request for a result, for /openapi.json. */
export const kResultQuery = {
  RESPONSEFORMAT: 'of the result named result, and of one source of lightcurves',
  KEEP: 'its rows with a column in an interval: COLUMN LOWEST HIGHEST, where -Inf and +Inf are no end; repeatable',
  FIND: 'its rows with this text, without case, in a column of text',
} as const;

const kMostBounds = 64;
const kMostChars = 200;
/** Any column's name; the ends are the last two words. */
const kBound = /^\s*(\S.*?)\s+(\S+)\s+(\S+)\s*$/;
const kNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const kInfinite = /^([+-]?)inf(inity)?$/i;

/** Undefined: all rows are wanted. Throws OTF_BAD_REQUEST. */
export function rowFilter(parameters: Parameters): RowFilter | undefined {
  const bounds = parameters.repeated('KEEP').map(readBound);
  if (bounds.length > kMostBounds) throw badRequest(`KEEP is given more than ${kMostBounds} times`);
  const text = parameters.single('FIND')?.trim() ?? '';
  if (text.length > kMostChars) throw badRequest(`FIND is longer than ${kMostChars} characters`);
  return bounds.length === 0 && text === '' ? undefined : { bounds, text };
}

/** `flux 1e-5 +Inf`: a column and an interval as DALI 1.1 (section 3.1.2) writes one. */
function readBound(given: string): Bound {
  const refuse = () =>
    badRequest(`KEEP=${given.slice(0, 80)}: not a column and its lowest and highest value, as in KEEP=flux 1e-5 +Inf`);
  const [, column, first, last] = (given.length <= kMostChars && kBound.exec(given)) || [];
  if (column === undefined || first === undefined || last === undefined) throw refuse();
  const [low, high] = [readEnd(first), readEnd(last)];
  if (!(low <= high)) throw refuse();
  return { column, low, high };
}

function readEnd(text: string): number {
  const infinite = kInfinite.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return kNumber.test(text) ? Number(text) : Number.NaN;
}
