/** The table `reconstructor` of a model card, and the card as the native side takes it. */
import { z } from 'zod';
import type { ReconstructorConfig } from '../../engine/addon.js';
import { OtfError } from '../../errors/catalogue.js';
import type { ModelCard } from '../../models/card.js';
import type { CardSection, ModelCardFile } from '../../models/schema.js';

const positive = z.number().positive();
const range = z
  .tuple([positive, positive])
  .refine(([least, most]) => least < most, { error: 'the first must be below the second' });

const kReconstructorTable = z.strictObject({
  /** What the network sees; the only ones there are (docs/transients.md, step 3). */
  channels: z.tuple([z.literal('dirty'), z.literal('wiener-window'), z.literal('wiener-all')]),
  wiener_lambda: positive.max(1),
  /** Sigma of the window in time, frames. */
  window_frames: positive.max(64),
  /** Most frames of a pass, fewest of a cube, and those of the training. */
  frames: z.int().min(1).max(4096),
  min_frames: z.int().min(2).max(4096),
  trained_frames: z.int().min(2).max(4096),
  /** FWHM of the Gaussian the output is convolved with, pixels. */
  beam_px: positive.max(64),
  /** Root of the sum of squares over a run of frames that counts as SNR 5: calibrated on empty sky. */
  rss_at_threshold: positive,
  /** Rms error of flux_rec in units of the noise of a frame. */
  flux_rec_error: positive,
  /** Trained ranges: pixels, rms beside the core over the peak, ratio, seconds from frame to frame. What is outside of them is warned of. */
  psf_fwhm_px: range.optional(),
  psf_sidelobes: range.optional(),
  sigma_over_peak: range.optional(),
  cadence_s: range.optional(),
  telescope: z.string().optional(),
  cadence: z.string().optional(),
});

type ReconstructorTable = z.infer<typeof kReconstructorTable>;
export type ReconstructorCard = ModelCard & { reconstructor: ReconstructorTable };

export const kReconstructorKind = 'reconstructor';

export const kReconstructorSection: CardSection = {
  schema: kReconstructorTable,
  check: (card, issue) => {
    const { frames, min_frames } = (card as ModelCardFile & { reconstructor: ReconstructorTable }).reconstructor;
    if (min_frames > frames) issue(['reconstructor', 'min_frames'], `must not be above frames (${frames})`);
    if (card.normalisation.length > 0) issue(['normalisation'], 'means nothing to a reconstructor: leave it out');
  },
};

/** A card of this kind has been read with its table. Throws OTF_MODEL_UNSUPPORTED for one of another kind. */
export function reconstructorCard(card: ModelCard): ReconstructorCard {
  if (card.kind === kReconstructorKind) return card as ReconstructorCard;
  throw new OtfError('OTF_MODEL_UNSUPPORTED', `model ${card.id} is no reconstructor`);
}

export function toReconstructorConfig({ tile, reconstructor: it }: ReconstructorCard): ReconstructorConfig {
  return {
    tilePx: tile,
    depthFrames: it.frames,
    minFrames: it.min_frames,
    trainedFrames: it.trained_frames,
    beamPx: it.beam_px,
    wienerLambda: it.wiener_lambda,
    windowFrames: it.window_frames,
    rssAtThreshold: it.rss_at_threshold,
    fluxRecError: it.flux_rec_error,
    psfFwhmMin: it.psf_fwhm_px?.[0] ?? 0,
    psfFwhmMax: it.psf_fwhm_px?.[1] ?? 0,
    psfSidelobesMin: it.psf_sidelobes?.[0] ?? 0,
    psfSidelobesMax: it.psf_sidelobes?.[1] ?? 0,
    peakSnrMin: it.sigma_over_peak ? 1 / it.sigma_over_peak[1] : 0,
    peakSnrMax: it.sigma_over_peak ? 1 / it.sigma_over_peak[0] : 0,
    cadenceMinS: it.cadence_s?.[0] ?? 0,
    cadenceMaxS: it.cadence_s?.[1] ?? 0,
  };
}
