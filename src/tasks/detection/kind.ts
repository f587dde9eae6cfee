/** Source detection: boxes of a network on the tiles of an image, and the catalogue made of them (docs/detection.md). */
import type { TaskKind } from '../kind.js';
import { kDetectorKind, kDetectorSection } from './card.js';
import { kDetectionFormats } from './formats.js';
import { type DetectionAsked, kDetectionParameters, printDetection, readDetection } from './parameters.js';

/** One of several formats, which a reader tells by its bytes. */
const kAnyFile = 'application/octet-stream';

export const kDetection: TaskKind = {
  name: kDetectorKind,
  title: 'Source detection',
  result: { title: 'source catalogue', role: 'catalogue', rows: 'sources' },
  card: kDetectorSection,
  inputs: [
    {
      name: 'IMAGE',
      role: 'image',
      required: true,
      checked: true,
      help: 'the image the sources were found in',
    },
    {
      name: 'BEAM',
      role: 'primary beam',
      required: false,
      checked: false,
      help: 'primary-beam image: gives corrected flux densities too',
    },
    {
      name: 'NOISE_MAP',
      role: 'noise map',
      required: false,
      checked: false,
      help: 'noise (rms) of the image for the measurement, in place of the one it makes',
    },
    {
      name: 'BACKGROUND_MAP',
      role: 'background map',
      required: false,
      checked: false,
      help: 'background of the image for the measurement, in place of the one it makes',
    },
    {
      name: 'PLACES',
      role: 'places',
      required: false,
      checked: false,
      mime: kAnyFile,
      help: 'table with ra and dec: the measurement also gives the flux density of a point source at each',
    },
    {
      name: 'MOCKS',
      role: 'mock sources',
      required: false,
      checked: false,
      mime: kAnyFile,
      help: 'table with flux, bmaj and bmin: what the mock sources of the completeness are like, in place of point sources',
    },
    {
      name: 'MASK',
      role: 'mask',
      required: false,
      checked: false,
      mime: kAnyFile,
      help: 'only the sources in this area: a MOC (FITS, JSON, ASCII) or DS9 regions',
    },
  ],
  parameters: kDetectionParameters,
  readParameters: (given, card, defaults, inputs) => ({ ...readDetection(given, card, defaults, inputs) }),
  printParameters: (asked) => printDetection(asked as DetectionAsked),
  readsAll: (asked) => (asked as DetectionAsked).region === undefined,
  // Parts that are searched again are chosen from all of the image.
  beginsEarly: (asked) => (asked as DetectionAsked).quality === undefined,
  itemShape: ({ tile }) => ({ width: tile, height: tile, depth: 1 }),
  unit: 'tiles',
  formats: kDetectionFormats,
  work: async () => (await import('./work.js')).kDetectionWork,
};
