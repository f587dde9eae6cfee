/** Where it is written down what has been seen: a file for each place that is watched, however the place is spelt. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { publicUrl } from '../errors/public-text.js';

export function isFolder(where: string): boolean {
  return !/^([a-z][a-z0-9+.-]+:\/\/|mqtts?:|s3:)/i.test(where);
}

/** What is watched, as its ledger calls it. */
export function placeOf(where: string): string {
  return isFolder(where) ? resolve(where) : publicUrl(where);
}

/** In this folder, so that the same command goes on where it was. */
export function stateFileOf(where: string): string {
  if (!isFolder(where)) return named(where);
  const dir = resolve(where);
  const here = relative('', dir);
  // Those of earlier versions are named after the spelling.
  const spellings = [where, dir, `${dir}/`, here, `./${here}`, `${here}/`, `./${here}/`];
  return spellings.map(named).find((file) => existsSync(file)) ?? named(dir);
}

function named(text: string): string {
  return `cianna-otf-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.watch`;
}
