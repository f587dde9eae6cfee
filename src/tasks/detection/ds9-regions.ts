/**
 * DS9 region file. A source whose size, angle and sky position are known is an ellipse on the sky, any other its box in
 * image pixels (1-based, as DS9 counts). Source: SAOImage DS9 reference, "Regions"; the first radius of an ellipse lies
 * along the angle, which DS9 counts from the parallel of declination: position angle + 90 degrees.
 */
import { native } from '../../engine/addon.js';
import { filterComments, type RowFilter } from '../../results/filter.js';
import { fitsPixel } from '../../results/pixels.js';
import { type RunRecord, runFacts } from './run-record.js';

const kRowsPerPiece = 512;

/** `rows`: those alone, which `filter` has chosen; they keep the names they have among all. */
export function* ds9Regions(record: RunRecord, rows?: Uint32Array, filter?: RowFilter): Generator<string> {
  const { catalogue, image } = record.outcome;
  const frame = ds9Frame(image.wcs);
  const { bmaj, bmin } = catalogue.values;
  yield '# Region file format: DS9 version 4.1\n';
  for (const fact of runFacts(record)) {
    if (['software', 'model', 'input'].includes(fact.name)) yield `# ${fact.name}: ${oneLine(String(fact.value))}\n`;
  }
  if (filter) yield filterComments(filter, catalogue.count);
  yield 'global color=green width=1\n';
  let piece = '';
  const count = rows?.length ?? catalogue.count;
  for (let index = 0; index < count; index += 1) {
    const row = rows?.[index] ?? index;
    const ra = catalogue.raDeg[row] ?? Number.NaN;
    const dec = catalogue.decDeg[row] ?? Number.NaN;
    const major = bmaj?.[row] ?? Number.NaN;
    const minor = bmin?.[row] ?? Number.NaN;
    const angle = catalogue.paDeg[row] ?? Number.NaN;
    const label = ` # text={S${row + 1}}\n`;
    if (frame !== undefined && [ra, dec, major, minor, angle].every(Number.isFinite)) {
      const radii = `${short(major / 2)}",${short(minor / 2)}"`;
      piece += `${frame};ellipse(${ra.toFixed(7)},${dec.toFixed(7)},${radii},${short((angle + 90) % 180)})${label}`;
    } else {
      const x = fitsPixel(catalogue.x[row] ?? Number.NaN);
      const y = fitsPixel(catalogue.y[row] ?? Number.NaN);
      const size = `${short(catalogue.widthPx[row] ?? 0)},${short(catalogue.heightPx[row] ?? 0)}`;
      piece += `image;box(${short(x)},${short(y)},${size},0)${label}`;
    }
    if ((index + 1) % kRowsPerPiece === 0) {
      yield piece;
      piece = '';
    }
  }
  yield piece;
}

/** DS9 knows FK5 at J2000 and FK4 at B1950 only; other equinoxes are drawn by their boxes. */
function ds9Frame(wcs: { system: string; equinox: number } | undefined): string | undefined {
  if (!wcs) return undefined;
  if (wcs.system === 'ICRS') return 'icrs';
  if (wcs.system === 'FK5' && (wcs.equinox === 0 || wcs.equinox === 2000)) return 'fk5';
  if (wcs.system === 'FK4' && (wcs.equinox === 0 || wcs.equinox === 1950)) return 'fk4';
  return undefined;
}

function short(value: number): string {
  return native().numberText(value, 'float');
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
