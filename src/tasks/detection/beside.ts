/** What a job of a detection leaves beside its catalogue: images of the measurement, flux densities at given places, how good it is. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type MocFormat, native } from '../../engine/addon.js';
import type { TableDocument } from '../../results/table.js';
import { votable } from '../../results/votable.js';
import { forcedDocument, placesOf } from '../../scores/forced-document.js';
import type { InputSource } from '../files.js';
import type { EndRequest, Found } from '../work.js';
import { measuredUnit } from './measured-columns.js';
import type { MapName } from './parameters.js';
import { qualityDocument, qualityPlots } from './quality-document.js';
import type { DetectionRequest } from './request.js';
import type { RunRecord } from './run-record.js';

const kVotable = 'application/x-votable+xml;serialization=TABLEDATA';
export const kMostPlaces = 1_000_000;

type Beside = NonNullable<Found['files']>;
type Ended = Pick<EndRequest, 'handle' | 'threads'>;

/** Of a task that is finished. Leaves nothing when it throws. */
export async function filesBeside(record: RunRecord, request: Ended & Pick<EndRequest, 'plan'>): Promise<Beside> {
  const { beside } = request.plan as DetectionRequest['plan'];
  const { maps, places, footprint, folder } = beside;
  const begun: string[] = [];
  try {
    const files: Beside[number][] = [];
    for (const kind of maps) {
      const file = fileOfMap(kind);
      begun.push(join(folder, file));
      await native().writeMap(request.handle as number, { path: join(folder, file), kind });
      files.push({ id: kind, file, mime: 'application/fits', temporary: file });
    }
    if (footprint !== undefined) files.push(await footprintFile(request, footprint, folder, begun));
    if (places) {
      const document = await photometry(record, request, places);
      files.push({ id: 'photometry', file: 'photometry.vot', mime: kVotable, pieces: votable(document, 'TABLEDATA') });
    }
    return [...files, ...qualityFiles(record)];
  } catch (thrown) {
    await Promise.all(begun.map((path) => rm(path, { force: true })));
    throw thrown;
  }
}

const kMocFiles = {
  fits: { file: 'footprint.fits', mime: 'application/fits' },
  json: { file: 'footprint.json', mime: 'application/json' },
  ascii: { file: 'footprint.txt', mime: 'text/plain' },
} as const satisfies Record<MocFormat, object>;

/** `begun`: it is written there, too. */
async function footprintFile(
  { handle }: Pick<EndRequest, 'handle'>,
  format: MocFormat,
  folder: string,
  begun: string[],
): Promise<Beside[number]> {
  const { file, mime } = kMocFiles[format];
  const path = join(folder, file);
  if (format === 'fits') begun.push(path);
  const text = await native().writeFootprint(handle as number, { path, format });
  const kind = { id: 'footprint', file, mime };
  return format === 'fits' ? { ...kind, temporary: file } : { ...kind, pieces: [text] };
}

function qualityFiles(record: RunRecord): Beside[number][] {
  const { quality } = record.outcome;
  if (!quality) return [];
  const plots = qualityPlots(record, quality);
  const svg = (id: string, text: string) => ({ id, file: `${id}.svg`, mime: 'image/svg+xml', pieces: [text] });
  return [
    {
      id: 'quality',
      file: 'quality.vot',
      mime: kVotable,
      pieces: votable(qualityDocument(record, quality), 'TABLEDATA'),
    },
    svg('completeness', plots.completeness),
    svg('reliability', plots.reliability),
  ];
}

function fileOfMap(kind: MapName): string {
  return `${kind}.fits`;
}

/** Throws OTF_TABLE_UNREADABLE, OTF_TABLE_COLUMN. */
export async function photometry(
  record: RunRecord,
  { handle, threads }: Ended,
  table: InputSource,
): Promise<TableDocument> {
  const { path, name } = table;
  const read = await native().readTable({ path, label: name, maxRows: kMostPlaces });
  const places = placesOf(read, name);
  const { raDeg, decDeg } = places;
  const columns = await native().measureTaskPlaces(handle as number, { raDeg, decDeg, threads });
  const { image, measureSummary } = record.outcome;
  const found = {
    ...columns,
    pixelUnit: measuredUnit(record),
    frame: { system: image.wcs?.system ?? '', equinox: image.wcs?.equinox ?? 0 },
    typicalRms: measureSummary?.typicalRms ?? Number.NaN,
    cellPx: measureSummary?.cellPx ?? 0,
    warnings: [],
  };
  return forcedDocument(places, found, { image: record.input.name, positions: name });
}
