/** Status lines of the codes this server sends. */
import { STATUS_CODES } from 'node:http';

export const kStatusLines: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(STATUS_CODES).map(([code, text]) => [code, `${code} ${text}`]),
);
