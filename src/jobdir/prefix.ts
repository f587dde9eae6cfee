/**
 * A job for every image below a prefix: what engines of workflows for object stores call a stage. Each is a job in a folder like
 * any other (run.ts), with the fields that are the same for all.
 *
 *     IN/a/b.fits ─► WORK/a/b/job.json ─► OUT/a/b/ with its results
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, posix, relative, resolve } from 'node:path';
import type { Config } from '../config/schema.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { isImageName, stemOf } from '../fetch/image-names.js';
import { s3Credentials } from '../fetch/s3-credentials.js';
import { listObjects } from '../fetch/s3-list.js';
import { describe, type Rules } from './description.js';
import { earlierRun } from './earlier.js';
import { isOfRuns } from './folder-job.js';
import { kDescriptionFile } from './state.js';

export interface Stage {
  /** A folder, or s3://BUCKET/PREFIX. */
  from: string;
  /** A folder, s3://BUCKET/PREFIX or dav(s)://HOST/PATH. */
  to: string;
  /** Of every job.json. */
  fields: Readonly<Record<string, string>>;
  /** For the folders of the jobs: `to`, where that is a folder. */
  work: string;
}

interface Found {
  /** Below the prefix, with / between folders. */
  path: string;
  /** As job.json names it. */
  input: string;
}

const kScheme = /^([a-z][a-z0-9+.-]+):\/\//i;

export function isFolder(prefix: string): boolean {
  return !kScheme.test(prefix);
}

/**
 * The folders of its jobs, in the order of their names. Nothing is written before all of it may be. Throws OTF_USAGE,
 * OTF_INPUT_UNREADABLE, OTF_OUTPUT_UNWRITABLE, what is wrong with a job as readDescription, and what listing throws.
 */
export async function makeFolders({ from, to, fields, work }: Stage, rules: Rules): Promise<string[]> {
  const found = isFolder(from) ? await filesBelow(from, to) : await objectsBelow(from, rules.config);
  if (found.length === 0) throw new OtfError('OTF_INPUT_UNREADABLE', `there is no image below ${from}`);
  const images = new Map<string, Found>();
  for (const image of found.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const stem = stemOf(image.path);
    const twice = images.get(stem);
    if (twice !== undefined)
      throw new OtfError('OTF_USAGE', `${twice.path} and ${image.path} would both be ${stem}: rename one of them`);
    images.set(stem, image);
  }
  const texts = new Map<string, string>();
  for (const [stem, { path, input }] of images) {
    refuseInside(stem, path, images, work);
    const results = isFolder(to) ? {} : { RESULTS_TO: `${withSlash(to)}${encoded(stem)}/` };
    const text = `${JSON.stringify({ ...fields, IMAGE: input, ...results }, null, 2)}\n`;
    const dir = join(work, stem);
    await earlierRun(dir, await describe(dir, Buffer.from(text), rules));
    texts.set(dir, text);
  }
  for (const [dir, text] of texts) {
    try {
      await mkdir(dir, { recursive: true });
      await writeFile(join(dir, kDescriptionFile), text);
    } catch (thrown) {
      throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write in ${dir}: ${systemReason(thrown)}`, { cause: thrown });
    }
  }
  return [...texts.keys()];
}

/** a.fits and a/results.fits: the folder of the one would be among what the run of the other makes, and go with it. */
function refuseInside(stem: string, path: string, images: ReadonlyMap<string, Found>, work: string): void {
  const parts = stem.split('/');
  for (const [at, part] of parts.entries()) {
    if (!isOfRuns(part)) continue;
    const above = parts.slice(0, at).join('/');
    const dir = join(work, above);
    const whose =
      images.get(above)?.path ?? (existsSync(join(dir, kDescriptionFile)) ? `the job in ${dir}` : undefined);
    if (whose !== undefined)
      throw new OtfError('OTF_USAGE', `${path} would be run inside what ${whose} has as ${part}: rename one of them`);
  }
}

async function filesBelow(from: string, to: string): Promise<Found[]> {
  const root = resolve(from);
  const inside = isFolder(to) ? relative(root, resolve(to)) : '..';
  if (!inside.startsWith('..')) {
    throw new OtfError('OTF_USAGE', `${to} is below ${from}: what is made would be taken for images the next time`);
  }
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((thrown) => {
    throw new OtfError('OTF_INPUT_UNREADABLE', `cannot read ${from}: ${systemReason(thrown)}`);
  });
  return (
    entries
      .filter((entry) => !entry.isDirectory() && isImageName(entry.name))
      .map(({ parentPath, name }) => ({ path: relative(root, join(parentPath, name)), input: join(parentPath, name) }))
      // Runs under way, and whatever else nobody is to see.
      .filter(({ path }) => !path.split('/').some((part) => part.startsWith('.')))
  );
}

async function objectsBelow(from: string, { fetch }: Config): Promise<Found[]> {
  if (!/^s3:/i.test(from) || !URL.canParse(from))
    throw new OtfError('OTF_USAGE', `${from}: not a folder or s3://BUCKET/PREFIX`);
  const { hostname: bucket, pathname } = new URL(withSlash(from));
  const prefix = decodeURIComponent(pathname.slice(1));
  const store = s3Credentials(fetch.s3).find(({ buckets }) => buckets.includes(bucket));
  if (!store)
    throw new OtfError('OTF_USAGE', `no keys for the bucket ${bucket}: name it in [fetch.s3.NAME] of --config`);
  const found: Found[] = [];
  for await (const { key, size } of listObjects(store, bucket, prefix, new AbortController().signal)) {
    const path = key.slice(prefix.length);
    // Keys are any text: a folder of ours is below its own.
    const safe = posix.normalize(path) === path && !path.startsWith('/') && !path.startsWith('..');
    if (size > 0 && safe && isImageName(posix.basename(path)))
      found.push({ path, input: `s3://${bucket}/${encoded(key)}` });
  }
  return found;
}

function withSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
