/** SHA-256 of files, streamed: weights and images may be larger than memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { OtfError, systemReason } from '../errors/catalogue.js';

/** Lower-case hexadecimal. Throws OTF_INPUT_UNREADABLE naming the file; OTF_CANCELLED when the signal fired. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, signal ? { signal } : {});
  } catch (thrown) {
    if (signal?.aborted) throw new OtfError('OTF_CANCELLED', `reading ${path} was stopped`);
    throw new OtfError('OTF_INPUT_UNREADABLE', `cannot read ${path}: ${systemReason(thrown)}`, { cause: thrown });
  }
  return hash.digest('hex');
}
