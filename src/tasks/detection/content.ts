/** A catalogue of sources in each of its formats. */
import { isTableFormat } from '../../results/formats.js';
import { type Content, tableContent } from '../../results/serialise.js';
import { catalogueDocument } from './catalogue-document.js';
import { ds9Regions } from './ds9-regions.js';
import type { DetectionFormat } from './formats.js';
import type { RunRecord } from './run-record.js';

export function detectionContent(record: RunRecord, format: DetectionFormat): Content {
  if (isTableFormat(format)) return tableContent(catalogueDocument(record), format);
  return { pieces: ds9Regions(record) };
}
