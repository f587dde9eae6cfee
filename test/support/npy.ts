/** NPY float32 arrays for tests. Source: NumPy's format description, versions 1 and 2. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface NpyArray {
  shape: number[];
  values: Float32Array;
}

export function readNpy(path: string): NpyArray {
  const bytes = readFileSync(path);
  if (bytes.toString('latin1', 1, 6) !== 'NUMPY') throw new Error(`${path} is not NPY`);
  const wide = (bytes[6] ?? 1) > 1;
  const begin = wide ? 12 : 10;
  const length = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const head = bytes.toString('latin1', begin, begin + length);
  if (!head.includes("'<f4'")) throw new Error(`${path} is not little-endian float32: ${head}`);
  if (!head.includes("'fortran_order': False")) throw new Error(`${path} is in Fortran order`);
  const shape = (/'shape': \(([^)]*)\)/.exec(head)?.[1] ?? '')
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const data = bytes.subarray(begin + length);
  return { shape, values: new Float32Array(new Uint8Array(data).buffer) };
}

/** Version 1. */
export function writeNpy(path: string, shape: readonly number[], values: Float32Array): void {
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = `${head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11)}\n`;
  const begin = Buffer.from(`\x93NUMPY\x01\x00`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length);
  writeFileSync(path, Buffer.concat([begin, length, Buffer.from(padded, 'latin1'), Buffer.from(values.buffer)]));
}
