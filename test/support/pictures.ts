/** An image whose pixels are known, uploaded, and pictures of it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { PNG } from 'pngjs';
import { type Bench, bench } from '../service/bench.js';
import { type CardValue, floatData, header, imageCards, skyCards } from './fits-writer.js';

export const kWidth = 1300;
export const kHeight = 700;

/** Columns go up by one, rows by two; blank in the first ten columns of the first twenty rows. */
export function value(x: number, y: number): number {
  return x < 10 && y < 20 ? Number.NaN : x + 2 * y;
}

export function image(width = kWidth, height = kHeight, more: [string, CardValue][] = []): Buffer {
  const pixels = Float32Array.from({ length: width * height }, (_, at) => value(at % width, Math.floor(at / width)));
  const cards = header([...imageCards([width, height]), ['BUNIT', 'Jy/beam'], ...skyCards(650), ...more]);
  return Buffer.concat([cards, floatData(pixels)]);
}

export async function upload(at: Bench, bytes: Buffer, name = 'field.fits'): Promise<string> {
  const init = { method: 'POST', body: new Uint8Array(bytes), headers: { 'content-type': 'application/fits' } };
  const answer = await at.send(`/uploads?NAME=${name}`, init);
  assert.equal(answer.status, 201);
  return `/uploads/${((await answer.json()) as { id: string }).id}/image`;
}

export async function json<T = Record<string, unknown>>(at: Bench, path: string, status = 200): Promise<T> {
  const answer = await at.send(path, { headers: { accept: 'application/json' } });
  const text = await answer.text();
  assert.equal(answer.status, status, `${path}: ${text}`);
  return JSON.parse(text) as T;
}

export async function png(at: Bench, path: string): Promise<PNG> {
  const answer = await at.send(path);
  assert.equal(answer.status, 200, `${path}: ${answer.headers.get('content-type')}`);
  assert.equal(answer.headers.get('content-type'), 'image/png');
  return PNG.sync.read(Buffer.from(await answer.arrayBuffer()));
}

export interface Info {
  width: number;
  height: number;
  tileSize: number;
  maxLevel: number;
  tiles: string;
  plane: number;
  hdu: number;
  header: { width: number; planes: number; images: unknown[] };
}

export const kGrey = 'STRETCH=linear&CUTS=minmax&COLOUR=grey';

/** Grey of a mean in a picture with linear stretch between the extremes of image(). */
export function greyOf(mean: number): number {
  const share = (mean - 2 * 0) / (kWidth - 1 + 2 * (kHeight - 1));
  return Math.round((255 * Math.min(254, Math.floor(255 * share))) / 254);
}

export async function upAndUploaded(t: TestContext, bytes = image()): Promise<{ at: Bench; base: string }> {
  const at = await bench(t);
  return { at, base: await upload(at, bytes) };
}

export interface Spot {
  x: number;
  y: number;
  value: number | null;
  unit: string;
  sky: { raDeg: number; decDeg: number; ra: string; dec: string } | null;
}

export interface Stats {
  finite: number;
  blank: number;
  min: number | null;
  max: number | null;
  cuts: Record<string, [number, number]> | null;
}
