/** Formats of a result: what they are called and served as. serialise.ts makes those of a table. */

export interface ResultFormat {
  extension: string;
  mediaType: string;
  /** Can be written to a terminal or a pipe as it is made. */
  isText: boolean;
  /** What clients call it beside its name (DALI 1.1, section 3.4.3): lower case without blanks. */
  aliases: readonly string[];
}

export type ResultFormats = Readonly<Record<string, ResultFormat>>;

const kVotable = 'application/x-votable+xml';

/**
 * `votable-binary2` is the second serialisation of the same content; `votable-1.5` is for readers that know that version,
 * which those in use report as a fault.
 */
export const kTableFormats = {
  votable: {
    extension: 'vot',
    mediaType: `${kVotable};serialization=TABLEDATA`,
    isText: true,
    aliases: ['votable/td', kVotable, `${kVotable};serialization=tabledata`],
  },
  'votable-binary2': {
    extension: 'vot',
    mediaType: `${kVotable};serialization=BINARY2`,
    isText: true,
    aliases: ['votable/b2', 'binary2', `${kVotable};serialization=binary2`],
  },
  'votable-1.5': {
    extension: 'vot',
    mediaType: `${kVotable};serialization=TABLEDATA;version=1.5`,
    isText: true,
    aliases: [`${kVotable};version=1.5`, `${kVotable};serialization=tabledata;version=1.5`],
  },
  fits: {
    extension: 'fits',
    mediaType: 'application/fits',
    isText: false,
    aliases: ['application/fits', 'application/x-fits'],
  },
  csv: {
    extension: 'csv',
    mediaType: 'text/csv;header=present',
    isText: true,
    aliases: ['text/csv', 'text/csv;header=present'],
  },
  json: { extension: 'json', mediaType: 'application/json', isText: true, aliases: ['application/json'] },
} as const satisfies ResultFormats;

export type TableFormat = keyof typeof kTableFormats;

export function isTableFormat(name: string): name is TableFormat {
  return Object.hasOwn(kTableFormats, name);
}
