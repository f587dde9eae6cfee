/** Runs in the threads that make pictures. */
import { stat, writeFile } from 'node:fs/promises';
import { addon } from '../engine/addon.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { unpack } from '../fetch/unpack.js';
import { answerOf, type WorkAnswer } from '../threads/answer.js';
import type { PictureOrder, PictureStage, PictureValue, PictureWork } from './work.js';

/** People who look wait for jobs that run, not the other way round. */
const kNiceness = 10;
addon.yieldToOthers(kNiceness);

const kWork: PictureWork = {
  unpack: ({ from, file, label, limits }) => unpack(from, file, label, limits),
  describe: (request) => addon.describeImage(request),
  decode: async ({ image, file }) => {
    addon.decodePlane({ image, file });
    return (await stat(file)).size;
  },
  overview: async ({ image, file }) => {
    addon.makeOverview({ image, file });
    return (await stat(file)).size;
  },
  statistics: (file) => addon.overviewStatistics(file),
  tile: async ({ file, ...request }) => write(file, addon.renderTile(request)),
  whole: async ({ file, ...request }) => write(file, addon.renderPicture(request).png),
  pixel: (request) => addon.pixelAt(request),
  region: (request) => addon.placeRegion(request),
};

/** Nobody is told of the file before it is there. */
async function write(file: string, png: Buffer): Promise<number> {
  try {
    await writeFile(file, png, { mode: 0o640 });
  } catch (thrown) {
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot write ${file}: ${systemReason(thrown)}`, { cause: thrown });
  }
  return png.length;
}

export default function work<S extends PictureStage>({
  stage,
  request,
}: PictureOrder<S>): Promise<WorkAnswer<PictureValue<S>>> {
  const run = kWork[stage] as (request: Parameters<PictureWork[S]>[0]) => PictureValue<S>;
  return answerOf(() => run(request));
}
