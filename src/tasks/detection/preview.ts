/** A picture of the image with its sources drawn on it, for README, reports and a quick look. */
import { PNG } from 'pngjs';
import type { CatalogueColumns, ImageSummary, Preview } from '../../engine/addon.js';

/** Red, green, blue. */
type Colour = readonly [number, number, number];
const kEllipse: Colour = [64, 255, 128];
const kBox: Colour = [255, 176, 32];

/**
 * Ellipses (twice the predicted axes, radius at least 6 image and 4 picture pixels) where size and angle are known, boxes elsewhere.
 * The picture's first row is the last FITS row; one picture pixel covers `scale` image pixels.
 */
export function drawPreview(preview: Preview, image: ImageSummary, sources: CatalogueColumns): Buffer {
  const png = new PNG({ width: preview.width, height: preview.height, colorType: 2 });
  for (let index = 0; index < preview.grey.length; index += 1) {
    // 32 levels: the eye misses nothing and noise takes half the bytes.
    const grey = Math.round(((preview.grey[index] ?? 0) >> 3) * (255 / 31));
    png.data.set([grey, grey, grey, 255], index * 4);
  }
  const arcsecPerPx = (image.wcs?.pixelScaleDeg ?? Number.NaN) * 3600;
  const { bmaj, bmin } = sources.values;
  const smallest = Math.max(4, 6 / preview.scale);
  for (let row = 0; row < sources.count; row += 1) {
    const x = ((sources.x[row] ?? 0) + 0.5) / preview.scale - 0.5;
    const y = preview.height - 0.5 - ((sources.y[row] ?? 0) + 0.5) / preview.scale;
    const toPicture = (arcsec: number | undefined) => (arcsec ?? Number.NaN) / arcsecPerPx / preview.scale;
    const major = toPicture(bmaj?.[row]);
    const minor = toPicture(bmin?.[row]);
    const angle = sources.paPixelDeg[row] ?? Number.NaN;
    if ([major, minor, angle].every(Number.isFinite)) {
      // Rows of the picture run downwards: an angle from +x towards +y turns the other way.
      drawEllipse(png, x, y, Math.max(major, smallest), Math.max(minor, smallest), (-angle * Math.PI) / 180);
    } else {
      drawBox(png, x, y, (sources.widthPx[row] ?? 0) / preview.scale, (sources.heightPx[row] ?? 0) / preview.scale);
    }
  }
  // Noise defeats the predictive filters: without them the repeated levels compress better.
  return PNG.sync.write(png, { colorType: 2, filterType: 0 });
}

function setPixel(png: PNG, x: number, y: number, colour: Colour): void {
  const column = Math.round(x);
  const row = Math.round(y);
  if (column < 0 || row < 0 || column >= png.width || row >= png.height) return;
  png.data.set([...colour, 255], (row * png.width + column) * 4);
}

/** Radii in pixels; `angle` in radians from +x towards +row. */
function drawEllipse(png: PNG, x: number, y: number, a: number, b: number, angle: number): void {
  const steps = Math.max(24, Math.ceil(8 * Math.max(a, b)));
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  for (let step = 0; step < steps; step += 1) {
    const t = (2 * Math.PI * step) / steps;
    const u = a * Math.cos(t);
    const v = b * Math.sin(t);
    setPixel(png, x + u * cos - v * sin, y + u * sin + v * cos, kEllipse);
  }
}

function drawBox(png: PNG, x: number, y: number, width: number, height: number): void {
  const right = Math.min(Math.max(width / 2, 2), png.width);
  const down = Math.min(Math.max(height / 2, 2), png.height);
  for (let u = -right; u <= right; u += 0.5) {
    setPixel(png, x + u, y - down, kBox);
    setPixel(png, x + u, y + down, kBox);
  }
  for (let v = -down; v <= down; v += 0.5) {
    setPixel(png, x - right, y + v, kBox);
    setPixel(png, x + right, y + v, kBox);
  }
}
