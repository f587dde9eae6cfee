/**
 * A second kind of task, for test/kinds.test.ts alone: statistics of the pixels of an image, in blocks that also go through
 * a network. Everything it needs of the program is what any kind has; nothing of it is native.
 */
import { z } from 'zod';
import { kTableFormats } from '#otf/results/formats.js';
import type { TaskKind } from '#otf/tasks/kind.js';
import { type ParameterDescription, readParameter } from '#otf/tasks/parameters.js';

/** The table `statistics` of a card. */
export interface StatisticsTable {
  /** Of the network, per block. */
  outputs: number;
}

export interface StatisticsAsked {
  clip?: number;
  label?: string;
}

const kClip: ParameterDescription = {
  name: 'CLIP',
  type: 'real',
  min: 0,
  unit: 'Jy/beam',
  default: 'none',
  help: 'pixels above this are left out',
};
const kLabel: ParameterDescription = {
  name: 'LABEL',
  type: 'choice',
  choices: ['short', 'long'],
  help: 'how the row is called',
};

export const kStatistics: TaskKind = {
  name: 'statistics',
  title: 'Pixel statistics',
  result: { title: 'pixel statistics', role: 'statistics', rows: 'images' },
  card: {
    schema: z.strictObject({ outputs: z.int().min(1) }),
    check: (card, issue) => {
      if (card.overlap !== 0) issue(['overlap'], 'must be 0: a pixel counts once');
    },
  },
  inputs: [
    { name: 'IMAGE', role: 'image', required: true, checked: true, help: 'the image whose pixels were counted' },
  ],
  parameters: [kClip, kLabel],
  readParameters: (given) => {
    const clip = readParameter(kClip, given);
    const label = readParameter(kLabel, given);
    return { ...(clip === undefined ? {} : { clip }), ...(label === undefined ? {} : { label }) };
  },
  printParameters: (asked) => {
    const { clip, label } = asked as StatisticsAsked;
    return [
      ...(clip === undefined ? [] : [['CLIP', String(clip)]]),
      ...(label === undefined ? [] : [['LABEL', label]]),
    ] as [string, string][];
  },
  readsAll: () => true,
  itemShape: ({ tile }) => ({ width: tile, height: tile, depth: 1 }),
  unit: 'blocks',
  formats: {
    ...kTableFormats,
    txt: { extension: 'txt', mediaType: 'text/plain', isText: true, aliases: ['text'] },
  },
  work: async () => (await import('./work.js')).kStatisticsWork,
};
