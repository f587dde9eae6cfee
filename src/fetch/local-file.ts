/** IMAGE=file:...: only below configured folders. Every refusal reads the same, so that it says nothing about any file. */
import { realpath, stat } from 'node:fs/promises';
import { normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OtfError } from '../errors/catalogue.js';

/** Path a file: URL names, when it is below a root by name. Touches no file. Throws OTF_FETCH_REFUSED. */
export function localPath(url: URL, roots: readonly string[]): string {
  let path: string;
  try {
    path = normalize(fileURLToPath(url));
  } catch {
    throw refused();
  }
  if (!roots.some((root) => isBelow(path, normalize(root)))) throw refused();
  return path;
}

/** The same after following symbolic links: a regular file still below a root. Throws OTF_FETCH_REFUSED. */
export async function openableLocalPath(url: URL, roots: readonly string[]): Promise<string> {
  const path = await realpath(localPath(url, roots)).catch(() => {
    throw refused();
  });
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  if (!realRoots.some((root) => root !== undefined && isBelow(path, root))) throw refused();
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw refused();
  return path;
}

function isBelow(path: string, root: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function refused(): OtfError {
  return new OtfError(
    'OTF_FETCH_REFUSED',
    'this file: URL is not accepted here; upload the image or name an http(s) URL',
  );
}
