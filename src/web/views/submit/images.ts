/**
 * The images that are to become jobs: files of this computer, which are uploaded at once, so that they can be looked at;
 * addresses; files the server has. One job each.
 */
import { signal } from '@preact/signals';
import { messageOf, send } from '../../api/http.js';
import { Cancelled, type Transfer, transfer } from '../../api/transfer.js';
import { bringJob } from '../../state/jobs.js';

export type Source = { file: File } | { reference: string };

export interface Image {
  key: number;
  name: string;
  source: Source;
  state: 'waiting' | 'sending' | 'ready' | 'submitted' | 'failed';
  sentBytes: number;
  totalBytes: number;
  bytesPerSecond: number;
  /** What a job takes: upload:ID, job:ID/NAME, an address. */
  reference?: string;
  error?: string;
  jobId?: string;
}

export const images = signal<readonly Image[]>([]);
/** Of the kind's further inputs (a primary beam): the same for every job; by the input's name. */
export const furtherInputs = signal<Readonly<Record<string, Source>>>({});
/** Key of the image that is looked at. */
export const lookedAt = signal<number | undefined>(undefined);

const transfers = new Map<number, Transfer>();
/** Connections to one server are few, and events need one. */
const kAtOnce = 2;
let count = 0;

export function addFiles(files: Iterable<File>): void {
  add([...files].map((file) => ({ name: file.name, source: { file }, totalBytes: file.size, state: 'waiting' })));
  sendNext();
}

export function addReferences(references: readonly string[]): void {
  add(
    references.map((reference) => ({
      name: reference,
      source: { reference },
      totalBytes: 0,
      state: 'ready',
      reference,
    })),
  );
}

type Fresh = Pick<Image, 'name' | 'source' | 'totalBytes' | 'state' | 'reference'>;

function add(found: Fresh[]): void {
  const fresh = found.map((each): Image => ({ ...each, key: ++count, sentBytes: 0, bytesPerSecond: 0 }));
  images.value = [...images.value, ...fresh];
}

export function removeImage(key: number): void {
  transfers.get(key)?.cancel();
  images.value = images.value.filter((image) => image.key !== key);
}

export function clearSubmitted(): void {
  images.value = images.value.filter(({ state }) => state !== 'submitted');
}

/** Sent again from its beginning. */
export function tryAgain(key: number): void {
  const image = images.value.find((each) => each.key === key);
  if (!image) return;
  const { error: _, ...rest } = image;
  const state = image.reference === undefined ? 'waiting' : 'ready';
  images.value = images.value.map((each) => (each.key === key ? { ...rest, state, sentBytes: 0 } : each));
  sendNext();
}

function change(key: number, to: Partial<Image>): void {
  images.value = images.value.map((image) => (image.key === key ? { ...image, ...to } : image));
}

function sendNext(): void {
  for (const image of images.value.filter(({ state }) => state === 'waiting')) {
    if (transfers.size >= kAtOnce) return;
    if ('file' in image.source) upload(image.key, image.source.file);
  }
}

function upload(key: number, file: File): void {
  const started = performance.now();
  change(key, { state: 'sending', sentBytes: 0, bytesPerSecond: 0 });
  const sending = sendFile(file, (sentBytes, totalBytes) => {
    const seconds = (performance.now() - started) / 1000;
    change(key, { sentBytes, totalBytes, bytesPerSecond: seconds > 0.2 ? sentBytes / seconds : 0 });
  });
  transfers.set(key, sending);
  sending.done
    .then(
      (id) => change(key, { state: 'ready', reference: `upload:${id}` }),
      (thrown) => {
        const error = thrown instanceof Cancelled ? 'cancelled' : messageOf(thrown);
        change(key, { state: 'failed', error });
      },
    )
    .finally(() => {
      transfers.delete(key);
      sendNext();
    });
}

function sendFile(file: File, onProgress: (sentBytes: number, totalBytes: number) => void): Transfer {
  const path = `uploads?${new URLSearchParams({ NAME: file.name })}`;
  return transfer(path, file, { 'Content-Type': 'application/octet-stream' }, onProgress);
}

export function cancelSending(key: number): void {
  transfers.get(key)?.cancel();
}

/** Every image that is ready, with these fields. `input`: the name of the field the image goes into. */
export async function submitAll(input: string, fields: readonly [string, string][]): Promise<void> {
  const ready = images.value.filter(({ state }) => state === 'ready');
  const further = await Promise.all(
    Object.entries(furtherInputs.value).map(async ([name, source]) => [name, await referenceOf(source)] as const),
  );
  for (const { key, reference = '' } of ready) {
    const body = new URLSearchParams([...fields, ...further.map(([name, each]) => [name, each]), ['PHASE', 'RUN']]);
    body.set(input, reference);
    await submit(key, body);
  }
}

/** One file for many jobs is sent once. */
const sent = new WeakMap<File, Promise<string>>();

async function referenceOf(source: Source): Promise<string> {
  if ('reference' in source) return source.reference;
  const { file } = source;
  const sending = sent.get(file) ?? sendFile(file, () => undefined).done;
  sent.set(file, sending);
  sending.catch(() => sent.delete(file));
  return `upload:${await sending}`;
}

async function submit(key: number, body: URLSearchParams): Promise<void> {
  try {
    // The redirect to the new job has been followed.
    const { url } = await send('jobs', { method: 'POST', body });
    const jobId = decodeURIComponent(new URL(url).pathname.split('/').filter(Boolean).pop() ?? '');
    change(key, { state: 'submitted', jobId });
    await bringJob(jobId);
  } catch (thrown) {
    change(key, { state: 'failed', error: messageOf(thrown) });
  }
}

/** Where the server shows it as a picture; undefined for addresses it has not fetched. */
export function pictureOf({ reference }: Image): string | undefined {
  const [, kind, id, rest] = /^(upload|job):([^/]+)(\/.*)?$/.exec(reference ?? '') ?? [];
  if (kind === 'upload') return `uploads/${id}/image`;
  return kind === 'job' && rest !== undefined ? `jobs/${id}/image` : undefined;
}
