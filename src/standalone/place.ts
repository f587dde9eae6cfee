/** Where the one-file program is unpacked, and which folders it may trust there. */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { OtfError, systemReason } from '../errors/catalogue.js';

/** Another user could change what runs as this one. */
const kWritableByOthers = 0o022;

/**
 * $XDG_CACHE_HOME (XDG Base Directory Specification), $CACHE_DIRECTORY (systemd.exec), or .cache in the home of the user; relative
 * ones are ignored, as the specification has it.
 */
export function cacheHome(env: NodeJS.ProcessEnv): string {
  const named = [env.XDG_CACHE_HOME, env.CACHE_DIRECTORY].find((path) => path !== undefined && isAbsolute(path));
  if (named !== undefined) return named;
  try {
    return join(homedir(), '.cache');
  } catch (thrown) {
    // No HOME, and a user without an entry in the list of users.
    throw new OtfError('OTF_PACKAGE_UNUSABLE', `no home folder is known to unpack into: ${kElsewhere}`, {
      cause: thrown,
    });
  }
}

export const kElsewhere = 'set XDG_CACHE_HOME to a folder that has room and may hold programs';

/** The folder of programs unpacked by content, made when it is not there. */
export function programsFolder(cache: string): string {
  let folder = cache;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const part of ['cianna-otf', 'program']) {
      folder = join(folder, part);
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      const fault = distrust(lstatSync(folder));
      if (fault !== undefined)
        throw new OtfError('OTF_PACKAGE_UNUSABLE', `${folder} ${fault}, so nothing is run from it: ${kElsewhere}`);
    }
  } catch (thrown) {
    if (thrown instanceof OtfError) throw thrown;
    const reason = systemReason(thrown);
    throw new OtfError('OTF_PACKAGE_UNUSABLE', `cannot make ${folder}: ${reason}: ${kElsewhere}`, { cause: thrown });
  }
  return folder;
}

/** Why a folder or file is not to be trusted; undefined: it is. */
export function distrust(stats: Stats): string | undefined {
  if (stats.uid !== 0 && stats.uid !== process.getuid?.()) return 'belongs to another user';
  if ((stats.mode & kWritableByOthers) !== 0) return 'can be written by other users';
  return undefined;
}
