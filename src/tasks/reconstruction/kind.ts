/** Reconstruction of transients: dirty images in time and their PSF into sources and light curves (docs/transients.md). */
import type { TaskKind } from '../kind.js';
import { kReconstructorKind, kReconstructorSection, reconstructorCard } from './card.js';
import { kReconstructionFormats } from './formats.js';
import {
  kReconstructionParameters,
  printReconstruction,
  type ReconstructionAsked,
  readReconstruction,
} from './parameters.js';

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
      help: 'the dirty cube (t,y,x) that was reconstructed',
    },
    {
      name: 'PSF',
      role: 'psf',
      required: true,
      checked: true,
      help: 'its point spread function: a cube, or one image for all frames',
    },
  ],
  parameters: kReconstructionParameters,
  readParameters: (given) => ({ ...readReconstruction(given) }),
  printParameters: (asked) => printReconstruction(asked as ReconstructionAsked),
  readsAll: () => true,
  itemShape: (card) => ({ width: card.tile, height: card.tile, depth: reconstructorCard(card).reconstructor.frames }),
  unit: 'tiles',
  formats: kReconstructionFormats,
  work: async () => (await import('./work.js')).kReconstructionWork,
};
