/** What a failed commit means. */
import { OtfError } from '../errors/catalogue.js';
import { isReadOnly } from '../io/read-only.js';

/** Of SQLite while it writes, of the system while the disk is waited for. */
const kFull: ReadonlySet<string> = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT']);

export function isDiskFull(thrown: unknown): boolean {
  const code = String((thrown as { code?: unknown }).code ?? '');
  return kFull.has(code) || code.startsWith('SQLITE_IOERR');
}

/** `dataDir`: SQLite says that it could not write, and not why. */
export function storeError(thrown: unknown, dataDir: string): OtfError {
  const code = String((thrown as { code?: unknown }).code ?? '');
  if (code === 'EROFS' || isReadOnly(dataDir)) {
    const message = 'the server cannot store jobs now: its disk is read-only; try again later';
    return new OtfError('OTF_DISK_READ_ONLY', message, { cause: thrown });
  }
  if (isDiskFull(thrown)) {
    return new OtfError('OTF_DISK_FULL', 'the server cannot store jobs now: its disk is full; try again later', {
      cause: thrown,
    });
  }
  return new OtfError('OTF_INTERNAL', `the job could not be stored (${code})`, { cause: thrown });
}
