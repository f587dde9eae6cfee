/** The sources of a reconstruction in each of their formats. */
import { keptRows, type RowFilter, withRows } from '../../results/filter.js';
import { isTableFormat } from '../../results/formats.js';
import { type Content, tableContent } from '../../results/serialise.js';
import { reconstructionRegions } from './ds9-regions.js';
import type { ReconstructionFormat } from './formats.js';
import type { ReconstructionRecord } from './record.js';
import { sourcesDocument } from './sources.js';

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
