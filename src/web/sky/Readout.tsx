/** What is under the pointer: position at once from the grid, the value of the pixel from the server. */
import { useEffect, useState } from 'preact/hooks';
import { type ImageId, type Picture, readPixel } from '../api/image.js';
import { number } from '../parts/shown.js';
import { decText, raText } from './angles.js';
import { positionAt } from './grid.js';

const kPauseMs = 60;

interface ReadoutProps {
  image: ImageId;
  picture: Picture;
  pixel: { x: number; y: number } | undefined;
}

export function Readout({ image, picture, pixel }: ReadoutProps) {
  const inside =
    pixel && pixel.x >= 0.5 && pixel.y >= 0.5 && pixel.x < picture.width + 0.5 && pixel.y < picture.height + 0.5;
  const nearest = inside ? { x: Math.round(pixel.x), y: Math.round(pixel.y) } : undefined;
  const value = useValue(image, picture, nearest?.x, nearest?.y);
  const position = inside && picture.grid ? positionAt(picture.grid, pixel.x, pixel.y) : undefined;
  const { unit, wcs } = picture.header;
  return (
    <p class="readout">
      {inside && nearest ? (
        <>
          <span>
            x {pixel.x.toFixed(1)}, y {pixel.y.toFixed(1)}
          </span>
          {position && (
            <span>
              {raText(position.raDeg, 2)} {decText(position.decDeg, 1)} ICRS
            </span>
          )}
          <span>{value === undefined ? '' : value === null ? 'blank' : `${number(value, 5)} ${unit}`}</span>
        </>
      ) : (
        <span class="small">
          {picture.width} × {picture.height} pixels
          {wcs ? `, ${number(wcs.pixelScaleArcsec)}″ each, ${wcs.projection} ${wcs.system}` : ', no sky coordinates'}
        </span>
      )}
    </p>
  );
}

/** Undefined: not known (yet); null: blank. */
function useValue(
  image: ImageId,
  picture: Picture,
  x: number | undefined,
  y: number | undefined,
): number | null | undefined {
  const [known, setKnown] = useState<{ x: number; y: number; value: number | null }>();
  useEffect(() => {
    if (x === undefined || y === undefined) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      readPixel(image, x, y, controller.signal).then(
        ({ value }) => setKnown({ x, y, value }),
        // The pointer has moved on, or the picture says what is wrong by itself.
        () => undefined,
      );
    }, kPauseMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [picture, x, y]);
  return known && known.x === x && known.y === y ? known.value : undefined;
}
