/** One simulated field under many headers: raw cards, axes in any order, pixels in any unit. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '#otf/engine/addon.js';
import { floatData } from './fits-writer.js';

const kBlock = 2880;

export interface HeaderCase {
  /** Raw cards in place of those of the same keyword, or besides. */
  cards?: string[];
  /** Keywords left out. */
  drop?: string[];
  /** Lengths in FITS order, X and Y the field's own. The field is in plane `plane` of the others, noise elsewhere. */
  axes?: (number | 'X' | 'Y')[];
  plane?: number;
  scale?: number;
  /** Byte that fills the header's last block, and what follows END. */
  pad?: string;
  end?: string;
  /** As an image extension behind a primary HDU of these cards. */
  primary?: string[];
}

export class FieldImage {
  readonly side: number;
  readonly #pixels: Float32Array;
  readonly #dir: string;

  private constructor(dir: string, side: number, pixels: Float32Array) {
    this.#dir = dir;
    this.side = side;
    this.#pixels = pixels;
  }

  static async simulate(dir: string, side = 300): Promise<FieldImage> {
    const output = join(dir, 'simulated.fits');
    await native().simulate({ output, sizePx: side, density: 1.2e-3, noise: 4e-7, seed: 5 });
    const bytes = readFileSync(output);
    const data = bytes.indexOf(`END${' '.repeat(77)}`);
    const start = Math.ceil((data + 80) / kBlock) * kBlock;
    const pixels = Float32Array.from({ length: side * side }, (_, index) => bytes.readFloatBE(start + index * 4));
    return new FieldImage(dir, side, pixels);
  }

  /** The same size and headers with other pixels, by column and row. */
  withPixels(value: (x: number, y: number) => number): FieldImage {
    const { side } = this;
    const pixels = Float32Array.from({ length: side * side }, (_, index) =>
      value(index % side, Math.floor(index / side)),
    );
    return new FieldImage(this.#dir, side, pixels);
  }

  base(): Record<string, string> {
    const scale = 0.604 / 3600;
    return {
      BUNIT: "'Jy/beam'",
      CTYPE1: "'RA---SIN'",
      CTYPE2: "'DEC--SIN'",
      CRPIX1: '151.0',
      CRPIX2: '151.0',
      CRVAL1: '150.1',
      CRVAL2: '-30.2',
      CDELT1: String(-scale),
      CDELT2: String(scale),
      CUNIT1: "'deg'",
      CUNIT2: "'deg'",
      RADESYS: "'ICRS'",
    };
  }

  write(name: string, it: HeaderCase = {}): string {
    const path = join(this.#dir, name);
    writeFileSync(path, this.bytes(it));
    return path;
  }

  bytes({
    cards = [],
    drop = [],
    axes = ['X', 'Y'],
    plane = 0,
    scale = 1,
    pad = ' ',
    end = 'END',
    primary,
  }: HeaderCase): Buffer {
    const base = this.base();
    for (const key of [...drop, ...cards.map(keywordOf)]) delete base[key];
    const lengths = axes.map((axis) => (axis === 'X' || axis === 'Y' ? this.side : axis));
    const begin = primary === undefined ? ['SIMPLE  =                    T'] : ["XTENSION= 'IMAGE   '"];
    const lines = [
      ...begin,
      'BITPIX  =                  -32',
      `NAXIS   = ${String(lengths.length).padStart(20)}`,
      ...lengths.map((length, index) => `${`NAXIS${index + 1}`.padEnd(8)}= ${String(length).padStart(20)}`),
      ...(primary === undefined ? [] : ['PCOUNT  =                    0', 'GCOUNT  =                    1']),
      ...Object.entries(base).map(([key, value]) => `${key.padEnd(8)}= ${value}`),
      ...cards,
    ];
    const first =
      primary === undefined ? [] : [block(['SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0', 'EXTEND  = T', ...primary])];
    return Buffer.concat([...first, block(lines, end, pad), floatData(this.#cube(axes, lengths, plane, scale))]);
  }

  #cube(axes: HeaderCase['axes'] & object, lengths: number[], plane: number, scale: number): Float32Array {
    const out = new Float32Array(lengths.reduce((a, b) => a * b, 1));
    const x = axes.indexOf('X');
    const y = axes.indexOf('Y');
    const strides = lengths.map((_, index) => lengths.slice(0, index).reduce((a, b) => a * b, 1));
    let rest = plane;
    let origin = 0;
    for (const [index, length] of lengths.entries()) {
      if (index === x || index === y) continue;
      origin += (rest % length) * (strides[index] ?? 0);
      rest = Math.floor(rest / length);
    }
    for (let row = 0; row < this.side; row++) {
      for (let column = 0; column < this.side; column++) {
        const at = origin + column * (strides[x] ?? 0) + row * (strides[y] ?? 0);
        out[at] = (this.#pixels[row * this.side + column] ?? 0) * scale;
      }
    }
    return out;
  }
}

function keywordOf(card: string): string {
  return (card.split('=')[0] ?? '').trim().toUpperCase();
}

function block(lines: string[], end = 'END', pad = ' '): Buffer {
  const text = lines.map((line) => line.padEnd(80)).join('') + end.padEnd(80, end.length > 3 ? '\0' : ' ');
  return Buffer.from(text.padEnd(Math.ceil(text.length / kBlock) * kBlock, pad), 'latin1');
}
