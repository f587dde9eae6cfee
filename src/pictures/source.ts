/** Which picture somebody wants. */
import type { ImageSelect } from '../engine/addon.js';

export type { ImageDescription, NativePosition, PixelFacts, PlacedRegion, SkyGrid } from '../engine/addon.js';

/** An image of a job or an upload. */
export interface PictureSource {
  /** The job or upload: what is kept goes when that goes. */
  group: string;
  /** Which of its files, and which content: another one has another name. */
  file: string;
  /** The address will never lead to another content. */
  fixed: boolean;
  path: string;
  /** For people. */
  name: string;
}

/** Which image of the file; `hdu` absent = the first. */
export interface Chosen {
  hdu?: number | undefined;
  plane: number;
}

export interface Client {
  /** ownerKey of src/jobs. */
  owner: string;
  /** Given when nobody waits any more. */
  signal: AbortSignal;
}

export interface TileAddress {
  level: number;
  x: number;
  y: number;
}

/** Of everything kept of it. */
export function nameOf({ group, file }: PictureSource): string {
  return `${group}/${file}`;
}

export function select({ name }: PictureSource, path: string, { hdu, plane }: Chosen): ImageSelect {
  return { path, plane, label: name, ...(hdu === undefined ? {} : { hdu }) };
}
