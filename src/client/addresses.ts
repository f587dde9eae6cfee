/** Where the jobs of a server are: whose address one is, and which job it names. */
import { OtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';

/** Of a job, of something of it, of the page's view of it. */
const kJob = /^(.*?)\/(?:jobs|uws)\/([^/]+)\/*$/;
const kPageJob = /^#\/jobs\/([^/?]+)\/*$/;

/** Is it an address, and not an id? */
export function isAddress(given: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(given);
}

/**
 * The job that an address names, if it is one of the server at `base`: an answer for one server is never taken to another, and
 * what opens this one is not shown to that. Throws OTF_USAGE.
 */
export function jobOfAddress(given: string, base: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const onPage = kPageJob.exec(url?.hash ?? '')?.[1];
  const [, tree, inPath] = kJob.exec(url?.pathname ?? '') ?? [];
  const [prefix, id] = onPage === undefined ? [tree, inPath] : [url?.pathname, onPage];
  if (url === undefined || prefix === undefined || id === undefined)
    throw new OtfError('OTF_USAGE', `${publicUrl(given)} is the address of no job: those end with /jobs/ID`);
  const server = `${url.origin}${prefix}`.replace(/\/+$/, '');
  if (server !== canonical(base)) {
    const remedy = `give --server ${server}, with its token, to mean a job of that one`;
    throw new OtfError('OTF_USAGE', `${publicUrl(given)} is no job of ${base}: ${remedy}`);
  }
  return plain(id);
}

function canonical(base: string): string {
  const { origin, pathname } = new URL(base);
  return `${origin}${pathname}`.replace(/\/+$/, '');
}

function plain(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
