/** Tile-compressed images (FITS Standard 4.0, section 10): each tile a row of pixels, gzipped without quantisation. */
import { gzipSync } from 'node:zlib';
import { type CardValue, header, skyCards } from './fits-writer.js';

const kBlock = 2880;

export interface CompressedImage {
  width: number;
  height: number;
  /** Pixels of one row. The same for every row: then they share one stream, and a small file has any size. */
  row: Float32Array;
  /** Bytes cut off the end of the stream. */
  cut?: number;
}

/** A primary HDU without data, and the image in the first extension. */
export function compressedImage({ width, height, row, cut = 0 }: CompressedImage): Buffer {
  const pixels = Buffer.alloc(width * 4);
  for (let i = 0; i < width; i++) pixels.writeFloatBE(row[i] ?? 0, i * 4);
  const stream = gzipSync(pixels);
  const length = stream.length - cut;
  const rows = Buffer.alloc(height * 8);
  for (let y = 0; y < height; y++) rows.writeInt32BE(length, y * 8);
  const cards: [string, CardValue][] = [
    ['XTENSION', 'BINTABLE'],
    ['BITPIX', 8],
    ['NAXIS', 2],
    ['NAXIS1', 8],
    ['NAXIS2', height],
    ['PCOUNT', length],
    ['GCOUNT', 1],
    ['TFIELDS', 1],
    ['TTYPE1', 'COMPRESSED_DATA'],
    ['TFORM1', `1PB(${length})`],
    ['ZIMAGE', true],
    ['ZBITPIX', -32],
    ['ZNAXIS', 2],
    ['ZNAXIS1', width],
    ['ZNAXIS2', height],
    ['ZTILE1', width],
    ['ZTILE2', 1],
    ['ZCMPTYPE', 'GZIP_1'],
    ['BUNIT', 'JY/BEAM'],
    ...skyCards(Math.round(width / 2)),
  ];
  const primary = header([
    ['SIMPLE', true],
    ['BITPIX', 8],
    ['NAXIS', 0],
    ['EXTEND', true],
  ]);
  const data = Buffer.concat([rows, stream.subarray(0, length)]);
  const padding = Buffer.alloc((kBlock - (data.length % kBlock)) % kBlock);
  return Buffer.concat([primary, header(cards), data, padding]);
}
