/**
 * gzip-compressed images, wherever one is taken: unpacked as a stream into a file of its own, which whoever asked for it
 * removes. Limited in size and in ratio, for a few kilobytes can stand for gigabytes.
 */
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { OtfError, systemReason } from '../errors/catalogue.js';

export interface UnpackLimits {
  maxBytes: number;
  /** Most bytes out for one byte in; images of noise have 1 to 3, mostly blank ones far more. */
  maxRatio: number;
}

/** Below this the ratio does not matter. */
const kRatioFromBytes = 64 * 2 ** 20;
const kMagic = Buffer.of(0x1f, 0x8b);
const kPieceBytes = 1 << 18;

/** By its first bytes; false for what cannot be read, which whoever reads it will say better. */
export async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  try {
    const piece = await file?.read(Buffer.alloc(kMagic.length), 0, kMagic.length, 0);
    return piece?.bytesRead === kMagic.length && piece.buffer.equals(kMagic);
  } catch {
    return false;
  } finally {
    await file?.close();
  }
}

/**
 * `label`: what messages call the file. `to` is overwritten, and removed on failure. Gives its size.
 * Throws OTF_TOO_LARGE, OTF_FITS_TRUNCATED, OTF_FITS_UNREADABLE, OTF_OUTPUT_UNWRITABLE, or the signal's reason.
 */
export async function unpack(
  from: string,
  to: string,
  label: string,
  limits: UnpackLimits,
  signal?: AbortSignal,
): Promise<number> {
  const unwritable = (thrown: unknown) =>
    new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot unpack ${label}: ${systemReason(thrown)}`, { cause: thrown });
  const target = await open(to, 'w', 0o640).catch((thrown) => {
    throw unwritable(thrown);
  });
  const source = createReadStream(from, { highWaterMark: kPieceBytes, ...(signal ? { signal } : {}) });
  const gunzip = createGunzip({ chunkSize: kPieceBytes });
  // Errors of both come out of the loop below.
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  let bytes = 0;
  try {
    for await (const piece of gunzip as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > limits.maxBytes) throw tooLarge(label, `more than ${Math.floor(limits.maxBytes / 2 ** 20)} MB`);
      if (bytes > kRatioFromBytes && bytes > limits.maxRatio * gunzip.bytesWritten) {
        throw tooLarge(label, `more than ${limits.maxRatio} times its packed size`);
      }
      await target.writeFile(piece).catch((thrown) => {
        throw unwritable(thrown);
      });
    }
    return bytes;
  } catch (thrown) {
    // A file that has no name (plain-files.ts) cannot be removed by one.
    await rm(to, { force: true }).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    throw thrown instanceof OtfError ? thrown : damaged(label, thrown);
  } finally {
    source.destroy();
    gunzip.destroy();
    await target.close();
  }
}

function tooLarge(label: string, what: string): OtfError {
  return new OtfError('OTF_TOO_LARGE', `${label} unpacks to ${what}: it is not unpacked any further`);
}

function damaged(label: string, thrown: unknown): OtfError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') {
    return new OtfError('OTF_FITS_TRUNCATED', `${label}: its gzip data end too early: the file is cut`);
  }
  const reason = code?.startsWith('Z_') ? message : systemReason(thrown);
  return new OtfError('OTF_FITS_UNREADABLE', `${label}: its gzip data cannot be unpacked: ${reason}`, {
    cause: thrown,
  });
}
