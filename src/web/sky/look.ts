/** The state of one picture: which plane, how it is painted, what is drawn over it. */
import { batch, signal } from '@preact/signals';
import { type ImageId, type Painting, type Picture, readPicture } from '../api/image.js';
import type { Overlay } from './painter.js';

export type Box = readonly [x: number, y: number, width: number, height: number];

export class Look {
  readonly base: string;
  /** '' = what the job was given; else which of `results`. */
  readonly result = signal('');
  /** Images that the job left. */
  readonly results = signal<readonly string[]>([]);
  /** '' = as a job would choose. */
  readonly hdu = signal('');
  readonly plane = signal('');
  readonly painting = signal<Painting | undefined>(undefined);
  readonly form = signal<Overlay['form']>('boxes');
  readonly grid = signal(false);
  /** 1-based pixels. */
  readonly region = signal<Box | undefined>(undefined);
  readonly drawing = signal(false);
  /** Known once the image has been read. */
  readonly openIn = signal<Picture['openIn']>([]);
  /** What was last shown of a region that was not drawn: as a form would have it. */
  shownRegion: string | undefined;

  constructor(base: string) {
    this.base = base;
  }

  get image(): ImageId {
    const { base, result, hdu, plane } = this;
    return {
      base,
      result: result.value || undefined,
      hdu: hdu.value || undefined,
      plane: plane.value || undefined,
    };
  }

  /** Another image of the job; of cubes of as many frames, the same frame. */
  async showResult(name: string, { header, plane }: Picture): Promise<void> {
    const { header: next } = await readPicture({ base: this.base, result: name || undefined });
    batch(() => {
      this.result.value = name;
      this.hdu.value = '';
      this.plane.value = next.planes > 1 && next.planes === header.planes ? String(plane) : '';
    });
  }

  /** A region that was typed. */
  showRegion(region: Box | undefined): void {
    this.shownRegion = region?.join(',');
    this.region.value = region;
  }

  paint(to: Partial<Painting>, { defaults }: Picture): void {
    this.painting.value = { ...defaults, ...this.painting.value, ...to };
  }
}

/** Whole pixels between two points of FITS pixels, inside the image: what is sent is what is drawn. */
export function boxBetween(
  a: { x: number; y: number },
  b: { x: number; y: number },
  { width, height }: { width: number; height: number },
): Box {
  const inside = (value: number, most: number) => Math.min(most, Math.max(1, Math.round(value)));
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)].map((x) => inside(x, width)) as [number, number];
  const [bottom, top] = [Math.min(a.y, b.y), Math.max(a.y, b.y)].map((y) => inside(y, height)) as [number, number];
  return [left, bottom, right - left + 1, top - bottom + 1];
}
