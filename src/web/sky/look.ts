/** The state of one picture: which plane, how it is painted, what is drawn over it. */
import { signal } from '@preact/signals';
import type { ImageId, Painting, Picture } from '../api/image.js';
import type { Overlay } from './painter.js';

export type Box = readonly [x: number, y: number, width: number, height: number];

export class Look {
  readonly base: string;
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
    return { base: this.base, hdu: this.hdu.value || undefined, plane: this.plane.value || undefined };
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
