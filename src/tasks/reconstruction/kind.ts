/** Reconstruction of transients: dirty images in time and their PSF into sources and light curves (docs/transients.md). */
import type { TaskKind } from '../kind.js';
import { kReconstructorKind, kReconstructorSection, reconstructorCard } from './card.js';
import { kReconstructionFormats } from './formats.js';
import { kLightCurvesResult, kSourceParameter } from './links.js';
import {
  kReconstructionParameters,
  printReconstruction,
  type ReconstructionAsked,
  readReconstruction,
} from './parameters.js';

/** Of single-epoch images; a cube may have more. */
const kMostFrames = 512;

export const kReconstruction: TaskKind = {
  name: kReconstructorKind,
  title: 'Reconstruction of transients',
  result: { title: 'catalogue of sources', role: 'catalogue', rows: 'sources' },
  card: kReconstructorSection,
  inputs: [
    {
      name: 'IMAGE',
      role: 'cube',
      required: true,
      checked: true,
      most: kMostFrames,
      help: 'the dirty cube (t,y,x) that is reconstructed, or single-epoch images of one grid in the order of time',
    },
    {
      name: 'PSF',
      role: 'psf',
      required: true,
      checked: true,
      most: kMostFrames,
      help: 'its point spread function: a cube, one image for all frames, or an image per frame',
    },
    {
      name: 'TIMES',
      role: 'times of frames',
      required: false,
      checked: false,
      help: 'table of when the frames were (FITS, VOTable or text: TIME or MJD, EXPOSURE), in place of what headers say',
    },
    {
      name: 'TRUTH',
      role: 'truth',
      required: false,
      checked: true,
      help: 'of a simulation: its truth.fits, for light curves with the truth beside what was measured',
    },
  ],
  parameters: kReconstructionParameters,
  readParameters: (given) => ({ ...readReconstruction(given) }),
  printParameters: (asked) => printReconstruction(asked as ReconstructionAsked),
  readsAll: () => true,
  itemShape: (card) => ({ width: card.tile, height: card.tile, depth: reconstructorCard(card).reconstructor.frames }),
  unit: 'tiles',
  formats: kReconstructionFormats,
  part: { result: kLightCurvesResult, parameter: kSourceParameter },
  work: async () => (await import('./work.js')).kReconstructionWork,
};
