/**
 * Positions on the sky from the server's grid of unit vectors, to a hundredth of a pixel (it says how exact it is): cubic
 * Lagrange interpolation over the 4x4 nodes around a pixel.
 */
import type { PositionGrid } from '../api/image.js';

export interface Position {
  raDeg: number;
  decDeg: number;
}

const kDegrees = 180 / Math.PI;

/** Weights of the nodes -1, 0, 1, 2 at t from 0 to 1. */
function weights(t: number): [number, number, number, number] {
  return [
    (-t * (t - 1) * (t - 2)) / 6,
    ((t + 1) * (t - 1) * (t - 2)) / 2,
    (-(t + 1) * t * (t - 2)) / 2,
    ((t + 1) * t * (t - 1)) / 6,
  ];
}

/** ICRS, at FITS pixels (the centre of the first is 1, 1); undefined outside, and where the projection has no sky. */
export function positionAt(grid: PositionGrid, x: number, y: number): Position | undefined {
  const { x0, y0, stepX, stepY, columns, rows, vectors } = grid;
  const [u, v] = [(x - x0) / stepX, (y - y0) / stepY];
  // The last node of the image has a neighbour more, too.
  const i = Math.min(Math.floor(u), columns - 3);
  const j = Math.min(Math.floor(v), rows - 3);
  if (i < 1 || j < 1 || u > columns - 2 + 1e-9 || v > rows - 2 + 1e-9) return undefined;
  const [alongX, alongY] = [weights(u - i), weights(v - j)];
  const sum = [0, 0, 0];
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 4; column++) {
      const node = 3 * ((j - 1 + row) * columns + i - 1 + column);
      const weight = (alongX[column] ?? 0) * (alongY[row] ?? 0);
      for (let axis = 0; axis < 3; axis++) {
        const value = vectors[node + axis];
        if (typeof value !== 'number') return undefined;
        sum[axis] = (sum[axis] ?? 0) + weight * value;
      }
    }
  }
  const [a = 0, b = 0, c = 0] = sum;
  const ra = Math.atan2(b, a) * kDegrees;
  return { raDeg: ra < 0 ? ra + 360 : ra, decDeg: Math.atan2(c, Math.hypot(a, b)) * kDegrees };
}
