/** Bodies of POST requests: urlencoded, multipart, JSON where asked for. Nothing of a file stays in memory. */
import { OtfError } from '../errors/catalogue.js';
import type { Uploads } from '../jobs/folders.js';
import type { BodyKinds, Form } from '../uws/exchange.js';
import { badRequest, Parameters } from '../uws/parameters.js';
import type { IncomingBody } from './body.js';
import { readMultipart } from './multipart.js';
import { kRawTypes, readRawFile } from './raw-file.js';

export interface FormRequest {
  body: Pick<IncomingBody, 'next' | 'release'>;
  contentType: string;
  /** '' = not announced. */
  contentLength: string;
  chunked: boolean;
  query: string;
  uploads: Uploads;
  maxBytes: number;
  /** Characters of a field. */
  maxText: number;
  accept: BodyKinds;
}

/** Fields only: a megabyte is a lot. */
const kMaxTextBytes = 1 << 20;
/** An over-long body is read on this far before the connection is closed, so that most clients get to see the answer. */
const kMaxDrainBytes = 256 * 2 ** 20;
/** Boundaries, part headers and small fields beside the files. */
export const kMultipartOverhead = 1 << 16;

export function tooLarge(maxBytes: number): OtfError {
  const mb = maxBytes / 2 ** 20;
  return new OtfError('OTF_TOO_LARGE', `the request is larger than ${Number.isInteger(mb) ? mb : mb.toFixed(2)} MB`);
}

/** Throws as Request.form says. */
export async function readForm(request: FormRequest): Promise<Form> {
  const parameters = Parameters.fromQuery(request.query, request.maxText);
  const type = (request.contentType.split(';')[0] ?? '').trim().toLowerCase();
  const announced = Number(request.contentLength || '0');
  const empty = !request.chunked && announced === 0;
  if (type === 'multipart/form-data') {
    const limit = request.maxBytes + kMultipartOverhead;
    return receiving(request, announced, limit, (counted) =>
      readMultipart(counted, parameters, limit, () => refuseTooLarge(request, kMaxDrainBytes)),
    );
  }
  if (empty) return { kind: 'none', parameters, files: [], spool: undefined };
  if (type === 'application/x-www-form-urlencoded') {
    const text = await readText(request);
    for (const [name, value] of new URLSearchParams(text)) parameters.add(name, value);
    return { kind: 'urlencoded', parameters, files: [], spool: undefined };
  }
  if (type === 'application/json' && request.accept.json === true) {
    addJson(parameters, await readText(request));
    return { kind: 'json', parameters, files: [], spool: undefined };
  }
  const raw = request.accept.raw === true;
  if (raw && kRawTypes.has(type)) {
    return receiving(request, announced, request.maxBytes, (counted) =>
      readRawFile(counted, type, parameters, () => refuseTooLarge(request, kMaxDrainBytes)),
    );
  }
  const known = raw ? [...kRawTypes].join(', ') : 'application/x-www-form-urlencoded';
  throw new OtfError(
    'OTF_MEDIA_TYPE_UNKNOWN',
    `cannot read a body of type "${type.slice(0, 100)}": send multipart/form-data or ${known}`,
  );
}

/** A body that goes to disk: its size is known to whoever looks after the room there while it arrives. */
async function receiving(
  request: FormRequest,
  announced: number,
  limit: number,
  read: (request: FormRequest) => Promise<Form>,
): Promise<Form> {
  if (announced > limit) await refuseTooLarge(request, announced - limit);
  const arrived = request.uploads.announce(announced);
  try {
    return await read({ ...request, body: countedBody(request.body, arrived) });
  } finally {
    arrived();
  }
}

function countedBody(body: FormRequest['body'], arrived: (bytes: number) => void): FormRequest['body'] {
  return {
    next: async () => {
      const piece = await body.next();
      if (piece) arrived(piece.length);
      return piece;
    },
    release: () => body.release(),
  };
}

/** Lets the rest pass, then throws. A client that still sends after that is cut off. */
async function refuseTooLarge(
  { body, maxBytes }: Pick<FormRequest, 'body' | 'maxBytes'>,
  excessBytes: number,
): Promise<never> {
  let drained = 0;
  if (excessBytes <= kMaxDrainBytes) {
    for (let chunk = await body.next(); chunk; chunk = await body.next()) {
      drained += chunk.length;
      body.release();
      if (drained > maxBytes + 2 * kMaxDrainBytes) break;
    }
  }
  throw tooLarge(maxBytes);
}

async function readText(request: Pick<FormRequest, 'body' | 'maxBytes'>): Promise<string> {
  const limit = Math.min(kMaxTextBytes, request.maxBytes);
  const whole = await readWhole(request.body, limit, () => refuseTooLarge({ ...request, maxBytes: limit }, 0));
  return whole.toString('utf8');
}

/** Into memory. */
async function readWhole(body: FormRequest['body'], limit: number, refuse: () => Promise<never>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let piece = await body.next(); piece; piece = await body.next()) {
    bytes += piece.length;
    if (bytes > limit) await refuse();
    pieces.push(piece);
  }
  const whole = Buffer.concat(pieces);
  // They lie in memory much larger than most bodies: left to the collector, it would be what makes it run.
  for (const _ of pieces) body.release();
  return whole;
}

/** A whole body. Throws OTF_BAD_REQUEST, OTF_TOO_LARGE. */
export async function readJson(request: Pick<FormRequest, 'body' | 'maxBytes'>): Promise<unknown> {
  return parsed(await readText(request));
}

/** A whole body as it is. Throws OTF_TOO_LARGE: before anything is kept of one that says how large it is. */
export async function readBytes({
  body,
  maxBytes,
  announced,
}: Pick<FormRequest, 'body' | 'maxBytes'> & { announced: number }): Promise<Buffer> {
  if (announced > maxBytes) throw tooLarge(maxBytes);
  return readWhole(body, maxBytes, () => Promise.reject(tooLarge(maxBytes)));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('the body is no JSON');
  }
}

function addJson(parameters: Parameters, text: string): void {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the body is no JSON object');
  for (const [name, member] of Object.entries(value)) {
    if (typeof member !== 'string' && typeof member !== 'number')
      throw badRequest(`${name} is neither text nor a number`);
    parameters.add(name, String(member));
  }
}
