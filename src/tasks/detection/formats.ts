/** What a catalogue of sources can be had as. */
import { kTableFormats, type ResultFormats } from '../../results/formats.js';

export const kDetectionFormats = {
  ...kTableFormats,
  reg: { extension: 'reg', mediaType: 'text/plain', isText: true, aliases: ['ds9'] },
} as const satisfies ResultFormats;

export type DetectionFormat = keyof typeof kDetectionFormats;
