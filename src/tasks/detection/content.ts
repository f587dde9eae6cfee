/** A catalogue of sources in each of its formats. */
import { keptRows, type RowFilter, withRows } from '../../results/filter.js';
import { isTableFormat } from '../../results/formats.js';
import { type Content, tableContent } from '../../results/serialise.js';
import { catalogueDocument } from './catalogue-document.js';
import { ds9Regions } from './ds9-regions.js';
import type { DetectionFormat } from './formats.js';
import type { RunRecord } from './run-record.js';

export function detectionContent(record: RunRecord, format: DetectionFormat, filter?: RowFilter): Content {
  if (!filter && !isTableFormat(format)) return { pieces: ds9Regions(record) };
  const document = catalogueDocument(record);
  const rows = filter && keptRows(document.table, filter);
  if (isTableFormat(format)) return tableContent(rows ? withRows(document, rows, filter) : document, format);
  return { pieces: ds9Regions(record, rows, filter) };
}
