/** A request and its answer as the protocol sees them: no sockets. src/http turns the one into the other. */
import type { Spool } from '../jobs/folders.js';
import type { ImageUrl, UploadedFile } from '../tasks/files.js';
import type { Parameters } from './parameters.js';

/** A file part of a multipart body, spooled and synced. */
export interface FilePart {
  /** Name of the form field, as sent. */
  field: string;
  /** undefined = the part had none. */
  filename: string | undefined;
  upload: UploadedFile;
}

/** A body that has been read. Names and values of its fields follow those of the query. */
export interface Form {
  kind: 'none' | 'urlencoded' | 'multipart' | 'json' | 'raw';
  parameters: Parameters;
  files: FilePart[];
  /** Addresses that other jobs were given, by the values that refer to them (job-inputs.ts). */
  addresses?: Map<string, ImageUrl>;
  /** Where the files lie; undefined = there are none. Whoever reads the form discards it or gives it to a job. */
  spool: Spool | undefined;
}

/** Bodies that are taken beside forms. */
export interface BodyKinds {
  /** A flat object of texts and numbers. */
  json?: boolean;
  /** The bytes of a file, called as the parameter NAME says: the only file of the form then. */
  raw?: boolean;
  /** Absent: as large as an upload. */
  maxBytes?: number;
}

export interface Request {
  method: 'GET' | 'HEAD' | 'POST' | 'DELETE' | (string & {});
  /** Percent-decoded values of the route's variables. */
  variables: readonly string[];
  /** Without the question mark. */
  query: string;
  /** Lower-case names; '' = absent. */
  header: (name: string) => string;
  /** Absolute URL of this server as the client sees it, without a slash at the end. */
  origin: string;
  remote: string;
  owner: string | null;
  /** Jobs of everybody are his. */
  admin: boolean;
  /** Reads the body. Throws OTF_MEDIA_TYPE_UNKNOWN, OTF_MULTIPART_MALFORMED, OTF_BAD_REQUEST, OTF_TOO_LARGE, OTF_CLIENT_GONE. */
  form: (accept?: BodyKinds) => Promise<Form>;
  /** A body in JSON, whatever it calls itself. Throws OTF_BAD_REQUEST, OTF_TOO_LARGE, OTF_CLIENT_GONE. */
  json: () => Promise<unknown>;
  /** The whole body, in memory. Throws OTF_TOO_LARGE, OTF_CLIENT_GONE. */
  bytes: (maxBytes: number) => Promise<Buffer>;
  /** Calls back when the client goes away before the answer is complete. */
  onGone: (callback: () => void) => void;
}

export type Headers = Record<string, string>;

export interface TextAnswer {
  kind: 'text';
  status: number;
  headers: Headers;
  /** Bytes of a binary answer. */
  body: string | Uint8Array;
}

/** A file: streamed, with ETag, Range, and gzip where asked, unless its headers say how it is encoded. */
export interface FileAnswer {
  kind: 'file';
  path: string;
  mime: string;
  /** What it was written with: undefined = it is sent as large as it is found. */
  size: number | undefined;
  /** Without quotes; undefined = the content is not known to be constant. */
  etag: string | undefined;
  /** What it must have, if that is known: it is looked at as it is sent. */
  sha256?: string | undefined;
  /** Made for this answer: gone from the disk once it is open, or cannot be. */
  once?: boolean;
  headers: Headers;
}

/** text/event-stream. `subscribe` gets the sender and gives back how to stop. */
export interface EventsAnswer {
  kind: 'events';
  subscribe: (send: (event: string, data: string) => void) => () => void;
}

/** A text that may be long: each piece is made when the one before has gone out, and others have had their turn. */
export interface PiecesAnswer {
  kind: 'pieces';
  headers: Headers;
  pieces: Iterable<string>;
}

export type Answer = TextAnswer | FileAnswer | EventsAnswer | PiecesAnswer;

export const kXmlType = 'text/xml;charset=UTF-8';
export const kJsonType = 'application/json';
export const kPlainType = 'text/plain;charset=UTF-8';
/** Status documents change by themselves, and are what they are called. */
const kPlainHeaders = { 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' };

export function text(status: number, type: string, body: string, headers: Headers = {}): TextAnswer {
  return { kind: 'text', status, headers: { 'Content-Type': type, ...kPlainHeaders, ...headers }, body };
}

export function inPieces(type: string, pieces: Iterable<string>): PiecesAnswer {
  return { kind: 'pieces', headers: { 'Content-Type': type, ...kPlainHeaders }, pieces };
}

export function xml(body: string, headers: Headers = {}): TextAnswer {
  return text(200, kXmlType, body, headers);
}

export function json(status: number, value: unknown, headers: Headers = {}): TextAnswer {
  return text(status, kJsonType, `${JSON.stringify(value)}\n`, headers);
}

export function plain(body: string): TextAnswer {
  return text(200, kPlainType, body);
}

/** 303: the answer to every successful POST and DELETE of UWS. */
export function seeOther(location: string): TextAnswer {
  return text(303, kPlainType, '', { Location: location });
}
