/** Small FITS files for tests, good and bad. Source: FITS Standard 4.0 sections 4 and 5. */
import { writeFileSync } from 'node:fs';

export type CardValue = string | number | boolean;
const kBlock = 2880;

/** One 80-character card; strings from column 11, numbers and logicals to column 30. */
export function card(keyword: string, value: CardValue): string {
  const key = keyword.padEnd(8);
  if (typeof value === 'string') return `${key}= '${value.replaceAll("'", "''").padEnd(8)}'`.padEnd(80);
  const text = typeof value === 'boolean' ? (value ? 'T' : 'F') : String(value).toUpperCase();
  return `${key}= ${text.padStart(20)}`.padEnd(80);
}

export function header(cards: [string, CardValue][]): Buffer {
  const text = [...cards.map(([keyword, value]) => card(keyword, value)), 'END'.padEnd(80)].join('');
  return Buffer.from(text.padEnd(Math.ceil(text.length / kBlock) * kBlock), 'ascii');
}

/** Cards every primary image begins with. */
export function imageCards(axes: number[], bitpix = -32): [string, CardValue][] {
  const sizes = axes.map((size, index): [string, CardValue] => [`NAXIS${index + 1}`, size]);
  return [['SIMPLE', true], ['BITPIX', bitpix], ['NAXIS', axes.length], ...sizes];
}

/** Celestial keywords as the demonstration model's fields have them. */
export function skyCards(centrePx: number): [string, CardValue][] {
  return [
    ['CTYPE1', 'RA---SIN'],
    ['CTYPE2', 'DEC--SIN'],
    ['CRPIX1', centrePx],
    ['CRPIX2', centrePx],
    ['CRVAL1', 150.1],
    ['CRVAL2', -30.2],
    ['CDELT1', -0.604 / 3600],
    ['CDELT2', 0.604 / 3600],
    ['CUNIT1', 'deg'],
    ['CUNIT2', 'deg'],
    ['RADESYS', 'ICRS'],
  ];
}

/** Big-endian float32 pixels, padded to a block. */
export function floatData(pixels: ArrayLike<number>): Buffer {
  const bytes = Buffer.alloc(Math.ceil((pixels.length * 4) / kBlock) * kBlock);
  for (let index = 0; index < pixels.length; index += 1) bytes.writeFloatBE(pixels[index] ?? 0, index * 4);
  return bytes;
}

/** Noise of a fixed seed (xorshift), about what the demonstration model was trained on. */
export function noise(count: number, seed = 1, sigma = 4e-7): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 4; i += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      sum += (state >>> 0) / 2 ** 32 - 0.5;
    }
    return sum * Math.sqrt(3) * sigma;
  });
}

export function writeFits(path: string, ...parts: Buffer[]): string {
  writeFileSync(path, Buffer.concat(parts));
  return path;
}
