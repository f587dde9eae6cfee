// Files into one block of compressed ones and the list of them (src/standalone/contents.ts). The same files give the same bytes.
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

/** From 9 on it takes several times as long for some per cent. */
const kQuality = 7;
const kWindowBits = 24;

/**
 * @param {{path: string, program: boolean, bytes: Buffer}[]} files
 * @param {{version: string, glibc: string}} about
 * @returns {Promise<{contents: string, block: Buffer}>}
 */
export async function pack(files, about) {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const packed = new Array(sorted.length);
  let next = 0;
  const work = async () => {
    for (let index = next++; index < sorted.length; index = next++) packed[index] = await compress(sorted[index].bytes);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  let at = 0;
  const listed = sorted.map(({ path, program, bytes }, index) => {
    const entry = { path, program, bytes: bytes.length, sha256: sha256(bytes), at, packed: packed[index].length };
    at += entry.packed;
    return entry;
  });
  return { contents: JSON.stringify({ ...about, files: listed }), block: Buffer.concat(packed) };
}

function compress(bytes) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: kQuality,
    [constants.BROTLI_PARAM_LGWIN]: kWindowBits,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return promisify(brotliCompress)(bytes, { params });
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
