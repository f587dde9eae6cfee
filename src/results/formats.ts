/** The formats of a catalogue: what they are called and served as. serialise.ts makes them. */

export interface ResultFormat {
  extension: string;
  mediaType: string;
  /** Can be written to a terminal or a pipe as it is made. */
  isText: boolean;
}

/**
 * `votable-binary2` is the second serialisation of the same content; `votable-1.5` is for readers that know that version,
 * which those in use report as a fault.
 */
export const kFormats = {
  votable: { extension: 'vot', mediaType: 'application/x-votable+xml;serialization=TABLEDATA', isText: true },
  'votable-binary2': { extension: 'vot', mediaType: 'application/x-votable+xml;serialization=BINARY2', isText: true },
  'votable-1.5': {
    extension: 'vot',
    mediaType: 'application/x-votable+xml;serialization=TABLEDATA;version=1.5',
    isText: true,
  },
  fits: { extension: 'fits', mediaType: 'application/fits', isText: false },
  csv: { extension: 'csv', mediaType: 'text/csv;header=present', isText: true },
  json: { extension: 'json', mediaType: 'application/json', isText: true },
  reg: { extension: 'reg', mediaType: 'text/plain', isText: true },
} as const satisfies Record<string, ResultFormat>;

export type FormatName = keyof typeof kFormats;

export function isFormatName(name: string): name is FormatName {
  return Object.hasOwn(kFormats, name);
}
