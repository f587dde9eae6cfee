/** What was measured of each source, beside what the network says of it (docs/measurement.md). */
import { fitsPixel } from '../../results/pixels.js';
import type { AddNumber } from './columns.js';
import type { RunRecord } from './run-record.js';

const kPerBeam = '/beam';

/** The pixels' unit, which the measured peaks have; '' = not known. */
export function measuredUnit({ card, outcome }: RunRecord): string {
  return card.unit ?? outcome.image.pixelUnit ?? outcome.image.bunit;
}

/** How likely each source is one (docs/quality.md). */
export function addReliability({ outcome }: RunRecord, number: AddNumber): void {
  if (!outcome.quality) return;
  const text = 'Fraction of the detections of this snr that are sources, from the image turned upside down';
  number('float', 'reliability', '', 'stat.probability', text, outcome.quality.reliability);
}

export function addMeasured(record: RunRecord, number: AddNumber): void {
  const of = record.outcome.measured;
  if (!of) return;
  const unit = measuredUnit(record);
  const ra = 'Right ascension of the fitted Gaussian';
  number('double', 'ra_fit', 'deg', 'pos.eq.ra', ra, of.raDeg, true);
  number('double', 'dec_fit', 'deg', 'pos.eq.dec', 'Declination of the fitted Gaussian', of.decDeg, true);
  const error = 'standard deviation';
  number('float', 'ra_err', 'arcsec', 'stat.error;pos.eq.ra', `${error} of ra_fit times cos Dec`, of.raErrorArcsec);
  number('float', 'dec_err', 'arcsec', 'stat.error;pos.eq.dec', `${error} of dec_fit`, of.decErrorArcsec);
  const { x, y } = of;
  number('float', 'x_fit', 'pixel', 'pos.cartesian.x;instr.det', 'Fitted centre, FITS pixels', x.map(fitsPixel));
  number('float', 'y_fit', 'pixel', 'pos.cartesian.y;instr.det', 'Fitted centre, FITS pixels', y.map(fitsPixel));
  const peak = 'phot.flux.density;stat.max;em.radio';
  number('float', 'peak_flux', unit, peak, 'Peak of the fitted Gaussian above the background', of.peak);
  number('float', 'peak_flux_err', unit, `stat.error;${peak}`, `${error} of peak_flux`, of.peakError);
  if (unit.endsWith(kPerBeam)) addFlux(record, number, unit.slice(0, -kPerBeam.length));
  addAxes(record, number);
  number('float', 'background', unit, 'instr.background', 'Local background', of.background);
  number('float', 'rms', unit, 'stat.stdev;instr.background', 'Local noise', of.rms);
  number('float', 'snr', '', 'stat.snr', 'peak_flux over rms', of.snr);
  number('int', 'resolved', '', 'meta.code', '1 = larger than the beam', of.resolved);
  const bits = '1 blended, 2 edge, 4 blank pixels, 8 fit failed (moments), 16 bright neighbour';
  const more = '32 beyond what the network was trained for, 64 shape of the beam, 128 merged';
  number('int', 'flags', '', 'meta.code.qual', `Sum of: ${bits}, ${more}`, of.flags);
}

/** Of pixels per beam: the sum over a Gaussian is its peak times its area in beams. */
function addFlux({ outcome, primaryBeam }: RunRecord, number: AddNumber, unit: string): void {
  const { measured: of, catalogue } = outcome;
  if (!of) return;
  const { peak, fluxRatio, fluxRelativeError } = of;
  const flux = peak.map((value, row) => value * (fluxRatio[row] ?? Number.NaN));
  const error = flux.map((value, row) => Math.abs(value) * (fluxRelativeError[row] ?? Number.NaN));
  const ucd = 'phot.flux.density;em.radio';
  number('float', 'int_flux', unit, ucd, 'Integrated flux density of the fitted Gaussian', flux);
  number('float', 'int_flux_err', unit, `stat.error;${ucd}`, 'standard deviation of int_flux', error);
  if (primaryBeam === undefined) return;
  const corrected = (values: Float64Array) =>
    values.map((value, row) => value / (catalogue.primaryBeam[row] ?? Number.NaN));
  const divided = 'divided by the primary beam';
  number('float', 'int_flux_corrected', unit, ucd, `int_flux ${divided}`, corrected(flux));
  number('float', 'int_flux_corrected_err', unit, `stat.error;${ucd}`, `int_flux_err ${divided}`, corrected(error));
}

function addAxes({ outcome }: RunRecord, number: AddNumber): void {
  const of = outcome.measured;
  if (!of) return;
  const axis = (name: string, ucd: string, what: string, values: Float64Array) =>
    number('float', name, 'arcsec', ucd, what, values);
  const [major, minor] = ['phys.angSize.smajAxis', 'phys.angSize.sminAxis'];
  axis('maj_fit', major, 'Major axis (FWHM) of the fitted Gaussian, with the beam', of.majorArcsec);
  axis('maj_err', `stat.error;${major}`, 'standard deviation of maj_fit', of.majorErrorArcsec);
  axis('min_fit', minor, 'Minor axis (FWHM) of the fitted Gaussian, with the beam', of.minorArcsec);
  axis('min_err', `stat.error;${minor}`, 'standard deviation of min_fit', of.minorErrorArcsec);
  const angle = 'North through East, 0 to 180';
  number('float', 'pa_fit', 'deg', 'pos.posAng', `Position angle of maj_fit, ${angle}`, of.paDeg);
  number('float', 'pa_err', 'deg', 'stat.error;pos.posAng', 'standard deviation of pa_fit', of.paErrorDeg);
  axis('maj_deconv', major, 'Major axis (FWHM) without the beam, where it is resolved', of.intrinsicMajorArcsec);
  axis('min_deconv', minor, 'Minor axis (FWHM) without the beam, where it is resolved', of.intrinsicMinorArcsec);
  number('float', 'pa_deconv', 'deg', 'pos.posAng', `Position angle of maj_deconv, ${angle}`, of.intrinsicPaDeg);
  const limit = 'Upper limit (two sigma) of the major axis without the beam';
  axis('maj_deconv_max', `${major};stat.max`, limit, of.majorLimitArcsec);
}
