/** DS9 region file: a circle of the beam at each source, coloured by its label. Source: SAOImage DS9 reference, "Regions". */
import { filterComments, type RowFilter } from '../../results/filter.js';
import { fitsPixel } from '../../results/pixels.js';
import { sourceNames } from './columns.js';
import type { ReconstructionRecord } from './record.js';

const kColours = new Map([
  ['steady', 'green'],
  ['variable', 'yellow'],
  ['transient', 'red'],
]);

/** `rows`: those alone, which `filter` has chosen. */
export function* reconstructionRegions(
  record: ReconstructionRecord,
  rows?: Uint32Array,
  filter?: RowFilter,
): Generator<string> {
  const { sources } = record.found;
  const names = sourceNames(record);
  yield '# Region file format: DS9 version 4.1\n';
  if (filter) yield filterComments(filter, sources.count);
  yield 'global width=1\n';
  const count = rows?.length ?? sources.count;
  for (let index = 0; index < count; index += 1) {
    const row = rows?.[index] ?? index;
    const x = fitsPixel(sources.x[row] ?? Number.NaN).toFixed(3);
    const y = fitsPixel(sources.y[row] ?? Number.NaN).toFixed(3);
    const label = sources.label[row] ?? '';
    const name = (names[row] ?? '').replace(/[{}\r\n]/g, ' ');
    yield `image;circle(${x},${y},${record.beamPx}) # color=${kColours.get(label) ?? 'cyan'} text={${name} ${label}}\n`;
  }
}
