/** A model of an index into the folder of models: card and network file, checked against the index and each other. */
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OtfError, systemReason } from '../../errors/catalogue.js';
import { publicUrl } from '../../errors/public-text.js';
import { fetchImage } from '../../fetch/fetch-image.js';
import { forNow } from '../../io/leftovers.js';
import { type CardSections, parseCard } from '../card.js';
import { Content } from './content.js';
import { parseIndex, type RemoteFile, type RemoteModel } from './index-file.js';

export interface PullOptions {
  /** The folder of models. */
  dir: string;
  /** Of files by their content. */
  cache: string;
  sections: CardSections;
  /** Nothing is fetched: what is not in the cache is missing. */
  offline: boolean;
  /** Also in place of another version that is there. */
  replace: boolean;
}

export interface Pulled {
  /** Of the model. */
  dir: string;
  sha256: string;
  /** `there`: it was there already. */
  how: 'pulled' | 'replaced' | 'there';
}

const kMaxIndexBytes = 16 << 20;
const kMaxCardBytes = 1 << 20;
const kMaxCalibrationBytes = 64 << 20;
const kTimeoutMs = 3_600_000;

/**
 * `from`: a path or URL; `offline`: of a URL what came from there the last time. Throws OTF_FETCH_*, OTF_INPUT_UNREADABLE,
 * OTF_MODEL_INDEX.
 */
export async function readIndex(from: string, cache: string, offline = false): Promise<RemoteModel[]> {
  if (!/^https?:\/\//i.test(from)) {
    const text = await readFile(from, 'utf8').catch((thrown) => {
      throw new OtfError('OTF_INPUT_UNREADABLE', `cannot read the index ${from}: ${systemReason(thrown)}`);
    });
    return parseIndex(text, pathToFileURL(resolve(from)).href);
  }
  const kept = join(cache, `index-${createHash('sha256').update(from).digest('hex')}.json`);
  if (offline) {
    const text = await readFile(kept, 'utf8').catch(() => {
      const missing = `the index ${publicUrl(from)} is not in ${cache}, and --offline fetches nothing`;
      throw new OtfError('OTF_FETCH_REFUSED', `${missing}: pull once without it, or give the index as a file`);
    });
    return parseIndex(text, from);
  }
  await mkdir(cache, { recursive: true });
  const path = join(cache, `index.${randomBytes(4).toString('hex')}`);
  const isGone = forNow(path);
  try {
    await bring({ url: from }, path, kMaxIndexBytes);
    const models = parseIndex(await readFile(path, 'utf8'), from);
    await rename(path, kept);
    return models;
  } finally {
    await rm(path, { force: true });
    isGone();
  }
}

/** Throws OTF_MODEL_CHECKSUM, OTF_MODEL_CARD_INVALID, OTF_MODEL_INDEX, OTF_FETCH_*, OTF_OUTPUT_UNWRITABLE; then nothing has changed. */
export async function pullModel(model: RemoteModel, options: PullOptions): Promise<Pulled> {
  const { id, card, weights } = model;
  if (card?.sha256 === undefined || weights.sha256 === undefined) {
    throw new OtfError(
      'OTF_MODEL_INDEX',
      `the index has no card and checksum of ${id}: fetch ${publicUrl(weights.url)} yourself and write a card (docs/models.md)`,
    );
  }
  const content = new Content(options.cache);
  const get = (file: RemoteFile, most: number) =>
    content.get(file.sha256 ?? '', (path) => {
      if (!options.offline) return bring(file, path, most);
      throw new OtfError(
        'OTF_FETCH_REFUSED',
        `${id}: ${publicUrl(file.url)} is not in ${options.cache}, and --offline fetches nothing`,
      );
    });
  const cardPath = await get(card, kMaxCardBytes);
  const read = parseCard(await readFile(cardPath, 'utf8'), publicUrl(card.url), options.sections);
  if (read.id !== id || read.sha256 !== weights.sha256) {
    const what = read.id === id ? `names a network file of sha256 ${read.sha256.slice(0, 12)}...` : `is of ${read.id}`;
    throw new OtfError('OTF_MODEL_INDEX', `the card of ${id} ${what}: the index says otherwise`);
  }
  if (read.int8 && read.int8.sha256 !== model.calibration?.sha256) {
    const sum = `${read.int8.sha256.slice(0, 12)}...`;
    throw new OtfError(
      'OTF_MODEL_INDEX',
      `the card of ${id} names a calibration of sha256 ${sum}: the index has no such`,
    );
  }
  const weightsPath = await get(weights, weights.size ?? Number.MAX_SAFE_INTEGER);
  const files = { [kCard]: cardPath, [read.weights]: weightsPath };
  if (read.int8 && model.calibration)
    files[read.int8.calibration] = await get(model.calibration, model.calibration.size ?? kMaxCalibrationBytes);
  return install(id, weights.sha256, files, options);
}

const kCard = 'model.toml';

/** Whole, by a rename. */
async function install(
  id: string,
  sha256: string,
  files: Record<string, string>,
  { dir, replace }: PullOptions,
): Promise<Pulled> {
  const target = join(dir, id);
  const fresh = join(dir, `.${id}.${randomBytes(4).toString('hex')}`);
  const before = await readFile(join(target, kCard)).catch(() => undefined);
  if (before?.equals(await readFile(files[kCard] ?? ''))) return { dir: target, sha256, how: 'there' };
  if (before && !replace) {
    throw new OtfError(
      'OTF_OUTPUT_UNWRITABLE',
      `${target} has another version of ${id}: --replace puts this in its place`,
    );
  }
  const isGone = forNow(fresh);
  try {
    await mkdir(fresh, { recursive: true });
    for (const [name, from] of Object.entries(files)) {
      await copyFile(from, join(fresh, name), constants.COPYFILE_FICLONE);
    }
    if (await exists(target)) await rename(target, `${fresh}.old`);
    await rename(fresh, target);
    await rm(`${fresh}.old`, { recursive: true, force: true });
  } catch (thrown) {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${target}: ${systemReason(thrown)}`, { cause: thrown });
  } finally {
    await rm(fresh, { recursive: true, force: true });
    isGone();
  }
  return { dir: target, sha256, how: before ? 'replaced' : 'pulled' };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function bring({ url, sha256, size }: RemoteFile, path: string, maxBytes: number): Promise<void> {
  if (url.startsWith('file:')) {
    await copyFile(new URL(url), path).catch((thrown) => {
      throw new OtfError('OTF_INPUT_UNREADABLE', `cannot read ${url}: ${systemReason(thrown)}`);
    });
    return;
  }
  const limits = { allowPrivate: true, maxBytes: size ?? maxBytes, maxRedirects: 5, timeoutMs: kTimeoutMs };
  const digests = sha256 === undefined ? {} : { digests: { sha256 } };
  await fetchImage(url, path, { ...limits, ...digests }, new AbortController().signal);
}
