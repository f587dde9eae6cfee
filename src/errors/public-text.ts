/**
 * Text on its way out to clients: error summaries, job logs, warnings, problems. Nothing in it tells where things lie on
 * this machine or where in the program something happened; that is for the server's own log.
 */

/** A URL, whose path is not ours, or what may stand before a path, and the path. */
const kPath = /https?:\/\/[^\s"'<>]+|(^|[\s"'`(=,;:[{<>|])((?:\/[^\s"'`:,;()<>/]+)+)/g;
const kStack = /\s+at (?:async )?(?:[\w$.<>[\]# ]+ \()?(?:file:|node:|\/)[\s\S]*$/;
const kFileUrl = /file:\/\/+[^\s"'`)]*\//g;

/** One line's paths become their last names (`/srv/otf/models/a/weights.dat` -> `weights.dat`), stacks go. URLs stay. */
export function publicText(text: string): string {
  return text
    .replace(kStack, '')
    .replace(kFileUrl, '')
    .replace(kPath, (found, before?: string, path?: string) =>
      path === undefined ? found : `${before}${path.slice(path.lastIndexOf('/') + 1)}`,
    );
}
