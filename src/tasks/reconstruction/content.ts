/** The sources of a reconstruction in each of their formats. */
import { keptRows, type RowFilter, withRows } from '../../results/filter.js';
import { isTableFormat, type TableFormat } from '../../results/formats.js';
import { type Content, tableContent } from '../../results/serialise.js';
import { sourceNames } from './columns.js';
import { reconstructionRegions } from './ds9-regions.js';
import type { ReconstructionFormat } from './formats.js';
import { lightCurvesDocument } from './light-curves.js';
import type { ReconstructionRecord } from './record.js';
import { sourcesDocument } from './sources.js';

/** The light curve of one source; undefined: there is none of that name. */
export function lightCurveOf(record: ReconstructionRecord, name: string, format: TableFormat): Content | undefined {
  return sourceNames(record).includes(name) ? tableContent(lightCurvesDocument(record, name), format) : undefined;
}

export function reconstructionContent(
  record: ReconstructionRecord,
  format: ReconstructionFormat,
  filter?: RowFilter,
): Content {
  const document = sourcesDocument(record);
  const rows = filter && keptRows(document.table, filter);
  if (isTableFormat(format)) return tableContent(rows ? withRows(document, rows, filter) : document, format);
  return { pieces: reconstructionRegions(record, rows, filter) };
}
