/** ADLER32 by zlib itself: the last four bytes of a zlib stream (RFC 1950, section 2.2). */
import { deflateSync } from 'node:zlib';

export function adler32(bytes: Buffer): string {
  return deflateSync(bytes).subarray(-4).toString('hex');
}
