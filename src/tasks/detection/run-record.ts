/** Everything a result says about the run that made it, beside its rows. */
import type { DetectOutcome, Draws, FoundQuality, MeasureRequest } from '../../engine/addon.js';
import { fitsPixel } from '../../results/pixels.js';
import { type Fact, timestamp } from '../../results/table.js';
import { kSoftware } from '../../version.js';
import { addNetwork, addRun, factList } from '../run-facts.js';
import type { DetectorCard } from './card.js';
import { depthOf } from './quality-depth.js';

export interface RunRecord {
  /** `commit`: records of 0.1.0 have none. */
  software: { name: string; version: string; commit?: string };
  /** `calibration`: SHA-256 of that of INT8, where the model has one. */
  model: { id: string; title: string; sha256: string; calibration?: string };
  /**
   * Image name without folders (results travel; paths of this machine do not), and of the whole file as it was given its
   * SHA-256, or its size and time where a checksum would have taken longer than the work (src/tasks/checksum.ts).
   */
  input: { name: string; sha256?: string | undefined; size?: number | undefined; modified?: Date | undefined };
  /** The card whose thresholds and parameters made the rows. */
  card: DetectorCard;
  outcome: DetectOutcome;
  /** UTC, end of the run. */
  createdAt: Date;
  /** Name of the primary-beam image, when there was one. */
  primaryBeam?: string;
  jobId?: string;
  /** Jobs only: who decided what, for the values a request and the server's configuration can change. */
  origins?: Origins;
  /** Absent: not measured. */
  measure?: Measured;
  /** Name of the file of the area that counts; absent = all of the region. */
  mask?: string;
  /** Of the network's dropout; absent = none. */
  draws?: Draws;
  /** Name of the table of what the mock sources were like; absent = point sources. */
  mocks?: string;
}

/** How sources were measured; names of the maps that were given (older records have none). */
export interface Measured extends Pick<MeasureRequest, 'effort' | 'minSnr'> {
  noiseMap?: string;
  backgroundMap?: string;
}

/** `request`, `server` or `model card`. */
export interface Origins {
  model: string;
  quantization: string;
  region: string;
  /** Limits and functions, when they differ. */
  normalisation: string;
}

export interface RunRecordInput extends Pick<RunRecord, 'card' | 'outcome' | 'createdAt' | 'input'> {
  primaryBeam?: string | undefined;
  jobId?: string | undefined;
  origins?: Origins | undefined;
  measure?: Measured | undefined;
  mask?: string | undefined;
  draws?: Draws | undefined;
  mocks?: string | undefined;
}

function calibrationOf({ int8 }: DetectorCard): { calibration?: string } {
  return int8 ? { calibration: int8.sha256 } : {};
}

export function makeRunRecord(from: RunRecordInput): RunRecord {
  const { card, outcome, createdAt, input, primaryBeam, jobId, origins, measure, mask, draws, mocks } = from;
  return {
    software: { ...kSoftware },
    model: { id: card.id, title: card.title, sha256: card.sha256, ...calibrationOf(card) },
    input,
    card,
    outcome,
    createdAt,
    ...(primaryBeam === undefined ? {} : { primaryBeam }),
    ...(jobId === undefined ? {} : { jobId }),
    ...(origins === undefined ? {} : { origins }),
    ...(measure === undefined ? {} : { measure }),
    ...(mask === undefined ? {} : { mask }),
    ...(draws === undefined ? {} : { draws }),
    ...(mocks === undefined ? {} : { mocks }),
  };
}

/** The facts in their fixed order; every format writes these. */
export function runFacts(record: RunRecord): Fact[] {
  const { outcome, card } = record;
  const { image, engine, tiling, counts } = outcome;
  const region = image.region;
  const { facts, add } = factList();
  addRun(add, record);
  addNetwork(add, record.model, engine);
  add('input', 'INFILE', record.input.name, 'image file');
  add('input_sha256', 'INSHA', record.input.sha256, 'SHA-256 of the image file');
  if (record.input.sha256 === undefined) {
    const { size, modified } = record.input;
    add('input_size', 'INSIZE', size, 'bytes of the image file, no checksum was taken');
    add('input_modified', 'INMTIME', modified && timestamp(modified), 'UTC, last change of the image file');
  }
  add('input_hdu', 'INHDU', image.hdu, 'HDU of the image, 0 = primary');
  add('input_plane', 'INPLANE', image.plane, 'plane of the image, 0-based');
  add('input_unit', 'INUNIT', image.bunit, 'BUNIT of the image');
  add('pixel_unit', 'PIXUNIT', image.pixelUnit, 'unit the pixels were taken in');
  add('pixel_factor', 'PIXFACT', image.unitFactor, 'from that unit to the one of the network');
  add('primary_beam', 'PBFILE', record.primaryBeam, 'primary-beam image');
  add(
    'region',
    'REGION',
    `${fitsPixel(region.x)},${fitsPixel(region.y)},${region.width},${region.height}`,
    'x,y,w,h in FITS pixels',
  );
  add('mask', 'MASKFILE', record.mask, 'area in which sources count: MOC or DS9 regions');
  add('outside_mask', 'NOUTSIDE', counts.outsideMask, 'sources outside the mask, left out');
  add('tiles_searched', 'NSEARCHD', counts.tilesSearched, 'tiles that come near the mask');
  add('blanked_pixels', 'NBLANK', image.blankedPixels, 'blank pixels in the region');
  add('tile', 'TILE', tiling.tilePx, 'tile side in pixels');
  add('overlap', 'OVERLAP', tiling.overlapPx, 'overlap of tiles in pixels');
  add('tiles', 'NTILES', tiling.tilesX * tiling.tilesY, 'number of tiles');
  add('normalisation', 'NORMALIS', card.normalisation.map(stepText).join(' '), 'steps in order');
  add('objectness_threshold', 'OBJTHRES', card.detector.objectness_threshold.join(','), 'per box of the network');
  add('first_iou', 'IOU1', card.detector.first_iou.join(','), 'suppression within a tile');
  add('first_objectness', 'OBJ1', card.detector.first_objectness.join(','), 'suppression within a tile');
  add('second_iou', 'IOU2', card.detector.second_iou, 'suppression across tiles');
  add('median_limit', 'MEDLIM', card.detector.median_limit.join(','), 'bright extended emission');
  add('median_objectness', 'MEDOBJ', card.detector.median_objectness.join(','), 'bright extended emission');
  add('min_box', 'MINBOX', card.detector.min_box, 'smallest box side in pixels');
  add('drop_edge_tiles', 'DROPEDGE', card.detector.drop_edge_tiles, 'rings of tiles left out');
  const by = record.origins;
  add('model_from', 'MODELBY', by?.model, 'who chose the model');
  add('quantization_from', 'QUANTBY', by?.quantization, 'who chose the compute type');
  add('region_from', 'REGIONBY', by?.region, 'who chose the region');
  add('normalisation_from', 'NORMBY', by?.normalisation, 'who chose the normalisation');
  const { measureSummary: measured } = outcome;
  add('measure', 'MEASURE', record.measure?.effort, 'how sources were measured on the pixels');
  add('min_snr', 'MINSNR', record.measure?.minSnr, 'measured sources below it were left out');
  add('noise_map', 'RMSFILE', record.measure?.noiseMap, 'noise map that was given');
  add('background_map', 'BKGFILE', record.measure?.backgroundMap, 'background map that was given');
  add('noise_cell', 'NOISECEL', measured?.cellPx, 'pixels, side of a cell of the noise map');
  add('typical_rms', 'RMS', finite(measured?.typicalRms), "median of the noise, in the network's unit");
  add('merged', 'NMERGED', measured?.merged, 'detections whose peak another one has, left out');
  add('below_min_snr', 'NBELOW', measured?.belowSnr, 'detections below min_snr, left out');
  addQuality(add, outcome.quality, record.mocks);
  add('monte_carlo', 'MCDRAWS', record.draws?.repeats, "Monte Carlo draws of the network's dropout");
  add('monte_carlo_seed', 'MCSEED', record.draws?.seed, 'of the draws');
  add('selected', 'NSELECT', counts.selected, 'boxes above the thresholds');
  add('sources', 'NSOURCE', counts.final, 'sources after suppression');
  return facts;
}

function addQuality(add: ReturnType<typeof factList>['add'], quality: FoundQuality | undefined, table?: string): void {
  if (!quality) return;
  const { reliability, tiles, sampled, negatives, mocks, recovered } = quality;
  const known = reliability.filter(Number.isFinite);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  add('quality_tiles', 'QTILES', tiles, 'tiles searched again, upside down and with mock sources');
  add('quality_sampled', 'QSAMPLED', sampled, 'part of the pixels that was turned upside down');
  add('negatives', 'NNEGATIV', negatives, 'detections in it upside down');
  add('reliability_mean', 'RELIABIL', finite(mean), 'fraction of the detections that are sources');
  const points = 'mock sources, as many per logarithm of the SNR from 2 to 50';
  add('mocks', 'NMOCKS', mocks, table === undefined ? points : 'mock sources, of the table');
  add('mocks_like', 'MOCKFILE', table, 'table of what mock sources are like');
  add('mocks_recovered', 'NRECOVER', recovered, 'mock sources that were found');
  add('snr_complete_50', 'SNRCOM50', depthOf(quality, 0.5), 'peak over noise of which half are found');
  add('snr_complete_90', 'SNRCOM90', depthOf(quality, 0.9), 'peak over noise of which 90 per cent are found');
}

/** Of nothing there is no median. */
function finite(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function stepText(step: DetectorCard['normalisation'][number]): string {
  if ('min' in step) return `${step.op}(${step.min},${step.max})`;
  return 'k' in step ? `${step.op}(${step.k})` : step.op;
}
