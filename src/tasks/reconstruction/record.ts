/** A finished reconstruction as every format is made of it, and the facts that describe the run. */
import type { EngineInfo, FoundReconstruction } from '../../engine/addon.js';
import type { Fact } from '../../results/table.js';
import { kSoftware } from '../../version.js';
import { addNetwork, addRun, factList } from '../run-facts.js';
import type { ReconstructorCard } from './card.js';

interface InputFact {
  name: string;
  sha256?: string | undefined;
}

/** Of a method without a network there are no model and no engine. */
export interface ReconstructionRecord {
  software: { name: string; version: string; commit?: string };
  method: string;
  model?: { id: string; title: string; sha256: string };
  engine?: EngineInfo;
  input: InputFact;
  psf: InputFact;
  /** Table of the times of frames. */
  times?: InputFact | undefined;
  /** Of a simulation. */
  truth?: InputFact | undefined;
  found: FoundReconstruction;
  beamPx: number;
  /** Of flux_rec, over that of the forced flux. */
  fluxRecError: number;
  tiles: number;
  jobId?: string;
  /** UTC, end of the run. */
  createdAt: Date;
}

export interface RecordInput extends Omit<ReconstructionRecord, 'software' | 'model' | 'beamPx' | 'fluxRecError'> {
  card: ReconstructorCard;
}

export function makeReconstructionRecord({ card, ...from }: RecordInput): ReconstructionRecord {
  const model = {
    id: card.id,
    title: card.title,
    sha256: card.sha256,
    ...(card.int8 ? { calibration: card.int8.sha256 } : {}),
  };
  const usesNetwork = from.method === 'network';
  return {
    software: { ...kSoftware },
    ...from,
    ...(usesNetwork ? { model } : {}),
    beamPx: card.reconstructor.beam_px,
    fluxRecError: usesNetwork ? card.reconstructor.flux_rec_error : 1,
  };
}

export function reconstructionFacts(record: ReconstructionRecord): Fact[] {
  const { found, engine, model } = record;
  const { cube } = found;
  const { facts, add } = factList();
  addRun(add, record);
  add('method', 'METHOD', record.method, 'how the sky was reconstructed');
  addNetwork(add, model, engine);
  add('input', 'INFILE', record.input.name, 'dirty cube');
  add('input_sha256', 'INSHA', record.input.sha256, 'SHA-256 of the dirty cube');
  add('psf', 'PSFFILE', record.psf.name, 'point spread function');
  add('psf_sha256', 'PSFSHA', record.psf.sha256, 'SHA-256 of it');
  add('times', 'TIMEFILE', record.times?.name, 'table of the times of frames');
  add('times_sha256', 'TIMESHA', record.times?.sha256, 'SHA-256 of it');
  add('truth', 'TRUFILE', record.truth?.name, 'truth of the simulation');
  add('truth_sha256', 'TRUSHA', record.truth?.sha256, 'SHA-256 of it');
  add('frames', 'FRAMES', cube.frames, 'in time');
  const several = found.frequenciesHz.length > 1;
  add('band', 'BAND', cube.bands > 1 && !several ? cube.band + 1 : undefined, 'of frequency, 1 = first');
  add('bands', 'BANDS', several ? found.frequenciesHz.length : undefined, 'of frequency, each reconstructed by itself');
  add(
    'frequency',
    'FREQ',
    cube.frequencyHz > 0 ? cube.frequencyHz : undefined,
    several ? 'Hz, of the first band' : 'Hz',
  );
  add('pixel_unit', 'PIXUNIT', cube.bunit, 'of the cube and of all fluxes');
  add('blanked_pixels', 'NBLANK', found.blankPixels, 'blank pixels in the cube');
  add('noise', 'NOISE', mean(found.sigmas), 'mean over frames, rms of a dirty frame');
  add('psf_fwhm_px', 'PSFFWHM', mean(found.psfFwhmPx.filter(Number.isFinite)), 'mean over frames, pixels');
  add(
    'psf_sidelobes',
    'PSFLOBE',
    mean(found.psfSidelobes?.filter(Number.isFinite) ?? new Float64Array(0)),
    'mean over frames, rms of the PSF at 1.25 to 2.5 FWHM of the Gaussian',
  );
  add('beam_px', 'BEAMPX', record.beamPx, 'FWHM of the Gaussian of the reconstruction, pixels');
  const { staticComponents } = found;
  add('static', 'STATIC', staticComponents === undefined ? undefined : 'mean-clean', 'what was taken away before');
  add('static_components', 'NSTATIC', staticComponents, 'CLEAN components of it');
  add('threshold', 'THRESHOL', found.thresholdSnr, 'SNR of the detection statistic');
  add('snr_divisor', 'SNRDIV', rounded(found.snrDivisor), 'of the detection, for more noise than in the training');
  add('expected_false', 'NFALSE', rounded(found.noisePeaks), 'peaks of noise to be expected above the threshold');
  add('tiles', 'NTILES', record.tiles, 'passes of the network');
  add('sources', 'NSOURCE', found.sources.name.filter((name) => name === '').length, 'found');
  return facts;
}

function mean(values: Float64Array): number | undefined {
  if (values.length === 0) return undefined;
  return rounded(values.reduce((sum, value) => sum + value, 0) / values.length);
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(6));
}
