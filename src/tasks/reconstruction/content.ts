/** The sources of a reconstruction in each of their formats. */
import { isTableFormat } from '../../results/formats.js';
import { type Content, tableContent } from '../../results/serialise.js';
import { reconstructionRegions } from './ds9-regions.js';
import type { ReconstructionFormat } from './formats.js';
import type { ReconstructionRecord } from './record.js';
import { sourcesDocument } from './sources.js';

export function reconstructionContent(record: ReconstructionRecord, format: ReconstructionFormat): Content {
  if (isTableFormat(format)) return tableContent(sourcesDocument(record), format);
  return { pieces: reconstructionRegions(record) };
}
