/** What earlier programs wrote into the JSON columns of a row, brought to today's form when it is read. */

import { publicUrl } from '../errors/public-text.js';

/** As they lie in a row. */
export type JsonColumns = Record<'parameters' | 'results' | 'failure' | 'info', unknown>;

type Members = Record<string, unknown>;

/**
 * Step n brings JSON columns of version n + 1 to n + 2. A new optional member needs none; one that is renamed, moved or
 * means something else does. test/fixtures/data-0.1.0 has rows of version 1.
 */
export const kJsonUpgrades: readonly ((columns: JsonColumns) => JsonColumns)[] = [byKinds, byShownAddresses];

/** Version 1 knew detections alone: their images and wishes lay among what every job has, progress was in tiles. */
function byKinds({ parameters, info, ...others }: JsonColumns): JsonColumns {
  const { image, beam, imageSha256, region, hdu, plane, pixelUnit, normalisation, ...common } = parameters as Members;
  const { tilesDone: done, tilesTotal: total, ...known } = info as Members;
  return {
    ...others,
    parameters: {
      ...common,
      inputs: { ...(image ? { IMAGE: [image] } : {}), ...(beam ? { BEAM: [beam] } : {}) },
      ...(imageSha256 === undefined ? {} : { checksums: { IMAGE: imageSha256 } }),
      asked: present({ region, hdu, plane, pixelUnit, normalisation }),
    },
    info: { ...known, ...(total === undefined ? {} : { progress: { done: done ?? 0, total, unit: 'tiles' } }) },
  };
}

/** Version 2 had addresses whole, with the signatures of presigned ones. */
function byShownAddresses({ parameters, ...others }: JsonColumns): JsonColumns {
  const { inputs, ...rest } = parameters as { inputs: Record<string, { kind: string; url?: string }[]> };
  const shown = Object.entries(inputs).map(([name, files]) => [
    name,
    files.map((file) => {
      const url = file.url === undefined ? undefined : publicUrl(file.url);
      return url === file.url ? file : { ...file, url, whole: file.url };
    }),
  ]);
  return { ...others, parameters: { ...rest, inputs: Object.fromEntries(shown) } };
}

function present(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
