/**
 * Every error the program can report: a stable code, what a command exits with, what an HTTP request gets, and whether a
 * UWS client should try again. The native side knows codes only (native/error/error.h); the rest is decided here.
 */

/** UWS 1.1 errorSummary type: `transient` = the same request may work later. */
export type UwsErrorType = 'fatal' | 'transient';

export interface ErrorKind {
  /** 1: the work failed, 2: the command was called wrongly, 3: the server cannot be reached, 4: it takes longer than wanted. */
  exitCode: 1 | 2 | 3 | 4;
  httpStatus: number;
  uws: UwsErrorType;
  /** For operators: a server has it in its log, under these words, for they alone can mend it. */
  operators?: string;
  /** When the same request may be tried again, unless whoever refuses it knows better. */
  retryAfterS?: number;
}

type More = Pick<ErrorKind, 'operators' | 'retryAfterS'>;

function kind(exitCode: ErrorKind['exitCode'], httpStatus: number, uws: UwsErrorType, more: More = {}): ErrorKind {
  return { exitCode, httpStatus, uws, ...more };
}

const kKinds = {
  // Native codes, in the order of native/error/error.h.
  OTF_INVALID_ARGUMENT: kind(2, 400, 'fatal'),
  OTF_MODEL_UNREADABLE: kind(1, 500, 'fatal'),
  OTF_MODEL_MALFORMED: kind(1, 422, 'fatal'),
  OTF_MODEL_UNSUPPORTED: kind(1, 422, 'fatal'),
  OTF_MODEL_CHECKSUM: kind(1, 500, 'fatal'),
  OTF_SHAPE_MISMATCH: kind(1, 422, 'fatal'),
  OTF_NPY_MALFORMED: kind(1, 422, 'fatal'),
  OTF_FITS_UNREADABLE: kind(1, 422, 'fatal'),
  OTF_FITS_TRUNCATED: kind(1, 422, 'fatal'),
  OTF_FITS_NO_IMAGE: kind(1, 422, 'fatal'),
  OTF_WCS_INVALID: kind(1, 422, 'fatal'),
  OTF_UNIT_MISMATCH: kind(1, 422, 'fatal'),
  OTF_IMAGE_BLANK: kind(1, 422, 'fatal'),
  OTF_ROI_OUTSIDE: kind(1, 422, 'fatal'),
  OTF_IMAGE_TOO_LARGE: kind(1, 422, 'fatal'),
  OTF_BEAM_UNKNOWN: kind(1, 422, 'fatal'),
  OTF_MAP_MISMATCH: kind(1, 422, 'fatal'),
  OTF_MASK_INVALID: kind(1, 422, 'fatal'),
  OTF_TABLE_UNREADABLE: kind(1, 422, 'fatal'),
  OTF_TABLE_COLUMN: kind(1, 422, 'fatal'),
  OTF_DETECTOR_CONFIG: kind(1, 500, 'fatal'),
  OTF_CUBE_INVALID: kind(1, 422, 'fatal'),
  OTF_RECONSTRUCTOR_CONFIG: kind(1, 500, 'fatal'),
  OTF_OUTPUT_UNWRITABLE: kind(1, 500, 'transient'),
  OTF_ENGINE_UNAVAILABLE: kind(1, 503, 'fatal'),
  OTF_ENGINE_FAILED: kind(1, 500, 'transient'),
  OTF_CANCELLED: kind(1, 409, 'transient'),
  OTF_OUT_OF_MEMORY: kind(1, 503, 'transient'),
  OTF_INTERNAL: kind(1, 500, 'fatal', { operators: 'internal error' }),
  // Known to TypeScript only.
  OTF_USAGE: kind(2, 400, 'fatal'),
  OTF_CONFIG_INVALID: kind(2, 500, 'fatal'),
  OTF_MODEL_UNKNOWN: kind(1, 422, 'fatal'),
  OTF_MODEL_CARD_INVALID: kind(1, 500, 'fatal'),
  OTF_MODEL_INDEX: kind(1, 502, 'fatal'),
  OTF_QUANTIZATION_UNKNOWN: kind(1, 422, 'fatal'),
  OTF_XML_MALFORMED: kind(1, 400, 'fatal'),
  OTF_INPUT_UNREADABLE: kind(1, 422, 'fatal'),
  OTF_ADDON_MISSING: kind(1, 500, 'fatal'),
  OTF_PACKAGE_UNUSABLE: kind(1, 500, 'fatal'),
  // The service.
  OTF_BAD_REQUEST: kind(1, 400, 'fatal'),
  OTF_MULTIPART_MALFORMED: kind(1, 400, 'fatal'),
  OTF_PHASE_FORBIDS: kind(1, 403, 'fatal'),
  OTF_NOT_FOUND: kind(1, 404, 'fatal'),
  OTF_METHOD_NOT_ALLOWED: kind(1, 405, 'fatal'),
  OTF_IMAGE_GONE: kind(1, 410, 'fatal'),
  OTF_FILE_DAMAGED: kind(1, 500, 'fatal', { operators: 'a file of a job is damaged' }),
  OTF_TOO_LARGE: kind(1, 413, 'fatal'),
  OTF_MEDIA_TYPE_UNKNOWN: kind(1, 415, 'fatal'),
  OTF_RANGE_INVALID: kind(1, 416, 'fatal'),
  OTF_CLIENT_GONE: kind(1, 400, 'transient'),
  OTF_QUEUE_FULL: kind(1, 503, 'transient'),
  OTF_DISK_FULL: kind(1, 503, 'transient', { retryAfterS: 60 }),
  OTF_DISK_READ_ONLY: kind(1, 503, 'transient', { retryAfterS: 60 }),
  OTF_SHUTTING_DOWN: kind(1, 503, 'transient'),
  OTF_SHORTAGE: kind(1, 503, 'transient', { retryAfterS: 5 }),
  OTF_HOST_UNKNOWN: kind(1, 421, 'fatal'),
  OTF_ORIGIN_REFUSED: kind(1, 403, 'fatal'),
  OTF_AUTH_REQUIRED: kind(1, 401, 'fatal'),
  OTF_TOKEN_INVALID: kind(1, 401, 'fatal'),
  OTF_AUTH_UNAVAILABLE: kind(1, 503, 'transient', { retryAfterS: 10 }),
  OTF_FORBIDDEN: kind(1, 403, 'fatal'),
  OTF_QUOTA_EXCEEDED: kind(1, 403, 'transient'),
  OTF_RATE_LIMITED: kind(1, 429, 'transient'),
  OTF_STORE_UNUSABLE: kind(1, 500, 'fatal'),
  OTF_PORT_UNUSABLE: kind(1, 500, 'fatal'),
  OTF_FETCH_REFUSED: kind(1, 422, 'fatal'),
  OTF_FETCH_FAILED: kind(1, 422, 'transient'),
  OTF_FETCH_TOO_LARGE: kind(1, 422, 'fatal'),
  OTF_SEND_FAILED: kind(1, 502, 'transient'),
  OTF_IMAGE_CHECKSUM: kind(1, 422, 'fatal'),
  OTF_SERVER_UNREACHABLE: kind(3, 503, 'transient'),
  OTF_SERVER_ANSWER: kind(1, 502, 'transient'),
  OTF_TIMEOUT: kind(4, 504, 'transient'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof kKinds;

export const kErrorCatalogue: Readonly<Record<ErrorCode, ErrorKind>> = kKinds;

/** Characters of a message. What strangers wrote stands in many, and not only in those of our own making. */
export const kMaxMessage = 2000;

/** The one error class: a catalogued code and one line for a user (what is wrong, where, what to do). */
export class OtfError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message.length > kMaxMessage ? `${message.slice(0, kMaxMessage - 1)}…` : message, options);
    this.name = 'OtfError';
    this.code = code;
  }

  get kind(): ErrorKind {
    return kErrorCatalogue[this.code];
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(kErrorCatalogue, value);
}

const kShortages = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Was it, at the bottom, that this process ran out of something? Never the fault of a job or a client. */
export function isShortage(thrown: unknown): boolean {
  for (let each: unknown = thrown; each instanceof Error; each = each.cause) {
    if (kShortages.has(String((each as NodeJS.ErrnoException).code))) return true;
  }
  return false;
}

/** The system's code at the bottom of it: EROFS, ENOSPC; undefined: it does not come from there. */
export function systemCode(thrown: unknown): string | undefined {
  for (let each: unknown = thrown; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    if (code !== undefined && /^E[A-Z0-9]+$/.test(code)) return code;
  }
  return undefined;
}

/** The disk takes nothing now: what is to be kept waits until it does. */
export function isRefusedByDisk(thrown: unknown): boolean {
  return thrown instanceof OtfError && (thrown.code === 'OTF_DISK_FULL' || thrown.code === 'OTF_DISK_READ_ONLY');
}

export function shortage(cause: unknown): OtfError {
  return new OtfError('OTF_SHORTAGE', `${systemReason(cause)}: try again later`, { cause });
}

/** Whatever was thrown, as an OtfError: native rejections carry their code; anything else is a bug of ours. */
export function toOtfError(thrown: unknown): OtfError {
  if (isShortage(thrown) && (thrown as { code?: unknown }).code !== 'OTF_SHORTAGE') return shortage(thrown);
  if (thrown instanceof OtfError) return thrown;
  if (thrown instanceof Error) {
    const code = (thrown as { code?: unknown }).code;
    const known = isErrorCode(code) ? code : 'OTF_INTERNAL';
    return new OtfError(known, oneLine(thrown.message), { cause: thrown });
  }
  return new OtfError('OTF_INTERNAL', oneLine(String(thrown)));
}

const kSystemReasons = new Map([
  ['ENOENT', 'no such file or directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'not permitted'],
  ['EISDIR', 'it is a directory'],
  ['EEXIST', 'a file of that name is there'],
  ['ENOTDIR', 'a part of the path is not a directory'],
  ['ENOSPC', 'the disk is full'],
  ['EROFS', 'the file system is read-only'],
  ['EMFILE', 'too many open files'],
  ['ENFILE', 'too many open files'],
  ['ENOMEM', 'not enough memory'],
  ['EAGAIN', 'too many processes'],
]);

/** What the operating system says, for people: "no such file", not "ENOENT: ..., open '...'". */
export function systemReason(thrown: unknown): string {
  const known = kSystemReasons.get((thrown as NodeJS.ErrnoException).code ?? '');
  return known ?? (thrown instanceof Error ? oneLine(thrown.message) : String(thrown));
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
