/** What the sources of a reconstruction can be had as. */
import { kTableFormats, type ResultFormats } from '../../results/formats.js';

export const kReconstructionFormats = {
  ...kTableFormats,
  reg: { extension: 'reg', mediaType: 'text/plain', isText: true, aliases: ['ds9'] },
} as const satisfies ResultFormats;

export type ReconstructionFormat = keyof typeof kReconstructionFormats;
