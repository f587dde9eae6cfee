/** Whether what comes after a cut belongs to what has come: two versions of a file are no file (RFC 9110, 13.1.5 and 15.3.7.3). */
import type { IncomingHttpHeaders } from 'node:http';

/** A file may be written twice in a second: a date is a strong validator one second later (RFC 9110, 8.8.2.2). */
const kDateMs = 1000;

/** What the answer that has come in part said of its file. */
export interface Version {
  etag: string | undefined;
  lastModified: string | undefined;
  /** Goes with what is asked for of the rest; undefined: the server cannot be asked for the rest of this version alone. */
  validator: string | undefined;
}

export function versionOf({ etag, 'last-modified': lastModified, date }: IncomingHttpHeaders): Version {
  const strongDate = Date.parse(date ?? '') - Date.parse(lastModified ?? '') >= kDateMs ? lastModified : undefined;
  const strongTag = etag?.startsWith('W/') ? undefined : etag;
  return { etag, lastModified, validator: etag === undefined ? strongDate : strongTag };
}

/** Of a 206, with the bytes there are: what they have together, undefined when nobody says; or why it is no continuation. */
export function continuation(
  headers: IncomingHttpHeaders,
  received: number,
  { etag, lastModified, total }: Version & { total: number | undefined },
): { total: number | undefined } | string {
  const [, start, whole = '*'] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  if (start === undefined || Number(start) !== received) return 'the server resumed at another place';
  const now = whole === '*' ? total : Number(whole);
  // A server that leaves one out says nothing with that: it was asked for this version alone.
  const other = (before: string | undefined, after: string | undefined) => after !== undefined && after !== before;
  if (other(etag, headers.etag) || other(lastModified, headers['last-modified']) || (total ?? now) !== now)
    return 'the file was changed meanwhile';
  return { total: now };
}
