/** Runs in the threads that make pictures. */
import { stat, writeFile } from 'node:fs/promises';
import { native } from '../engine/addon.js';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { unpack } from '../fetch/unpack.js';
import { answerOf, type WorkAnswer } from '../threads/answer.js';
import type { PictureOrder, PictureStage, PictureValue, PictureWork } from './work.js';

/** People who look wait for jobs that run, not the other way round. */
const kNiceness = 10;
native().yieldToOthers(kNiceness);

const kWork: PictureWork = {
  unpack: ({ from, file, label, limits }) => unpack(from, file, label, limits),
  describe: (request) => native().describeImage(request),
  decode: async ({ image, file }) => {
    native().decodePlane({ image, file });
    return (await stat(file)).size;
  },
  overview: async ({ image, file }) => {
    native().makeOverview({ image, file });
    return (await stat(file)).size;
  },
  statistics: (file) => native().overviewStatistics(file),
  tile: async ({ file, ...request }) => write(file, native().renderTile(request)),
  whole: async ({ file, ...request }) => write(file, native().renderPicture(request).png),
  pixel: (request) => native().pixelAt(request),
  region: (request) => native().placeRegion(request),
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
