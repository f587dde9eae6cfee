/**
 * Text on its way out to clients: error summaries, job logs, warnings, problems. Nothing in it tells where things lie on
 * this machine or where in the program something happened; that is for the server's own log. And nothing in it, there too,
 * opens anything: of an address only what names the thing is shown.
 */

/** A URL, whose path is not ours, or what may stand before a path, and the path. */
const kPath = /[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+|(^|[\s"'`(=,;:[{<>|])((?:\/[^\s"'`:,;()<>/]+)+)/gi;
const kStack = /\s+at (?:async )?(?:[\w$.<>[\]# ]+ \()?(?:file:|node:|\/)[\s\S]*$/;
const kFileUrl = /file:\/\/+[^\s"'`)]*\//g;
/** A backslash ends one in JSON. */
const kUrl = /[a-z][a-z0-9+.-]*:\/\/[^\s"'<>\\]+/gi;
const kHidden = '***';
/** At the end of an address of which something is hidden. */
export const kHiddenQuery = `?${kHidden}`;

/** One line's paths become their last names (`/srv/otf/models/a/weights.dat` -> `weights.dat`), stacks go. URLs stay, as publicUrl. */
export function publicText(text: string): string {
  return text
    .replace(kStack, '')
    .replace(kFileUrl, '')
    .replace(kPath, (found, before?: string, path?: string) =>
      path === undefined ? urlInText(found) : `${before}${path.slice(path.lastIndexOf('/') + 1)}`,
    );
}

/** Text with the URLs in it as publicUrl gives them, and nothing else changed. */
export function withoutSecrets(text: string): string {
  return text.includes('://') ? text.replace(kUrl, urlInText) : text;
}

/**
 * An address as it may be shown and kept: a query can be a signature (presigned URLs, SAS tokens), user name and fragment can
 * be secrets as well. What is not there is marked; an address without any of it stays as it was written.
 */
export function publicUrl(address: string): string {
  if (!URL.canParse(address)) return address.replace(/[?#].*$/s, `?${kHidden}`).replace(/\/\/[^/]*@/, '//');
  const url = new URL(address);
  if (url.username === '' && url.password === '' && url.search === '' && url.hash === '') return address;
  url.username = '';
  url.password = '';
  url.hash = '';
  if (url.search !== '') url.search = kHidden;
  return url.href;
}

/** What ends the sentence is no part of the address. */
function urlInText(found: string): string {
  const end = /[.,:;)\]}]*$/.exec(found)?.[0] ?? '';
  return publicUrl(found.slice(0, found.length - end.length)) + end;
}
