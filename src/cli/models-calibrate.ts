/** `models calibrate`: INT8 for a model, from example images. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { OtfError } from '../errors/catalogue.js';
import { writeFileAtomically } from '../io/write.js';
import { int8Line, withCalibration } from '../models/calibrated-card.js';
import { parseModelCard, resolveModel } from '../tasks/cards.js';
import type { Tried } from '../tasks/detection/calibration.js';
import { detectorCards } from '../tasks/detection/card.js';
import { PlainFiles } from '../tasks/plain-files.js';
import { addModelsOption, example, integer } from './options.js';
import { print } from './table.js';

interface CalibrateOptions {
  models: string;
  threads: number;
  batch: number;
}

/** Its own for each content: a server that runs with the card of before goes on with the file of before. */
const nameOf = (sha256: string) => `int8-ranges-${sha256.slice(0, 12)}.txt`;

export function registerCalibrate(group: Command): void {
  const command = group
    .command('calibrate')
    .description('make a detector ready for INT8 with example images: ranges beside its card, and the card names them')
    .argument('<id>', 'model id or model.toml')
    .argument('<images...>', 'FITS images as it will search, with 100 sources or more')
    .addOption(new Option('--threads <n>', 'CPU threads').default(0, 'all').argParser(integer(0, 1024)))
    .addOption(new Option('--batch <n>', 'items per forward pass').default(8).argParser(integer(1, 4096)))
    .action(calibrateModel);
  example(addModelsOption(command), [
    'cianna-otf models calibrate --models ./models net0_s1800 field1.fits field2.fits',
  ]);
}

async function calibrateModel(name: string, given: string[], options: CalibrateOptions): Promise<void> {
  const { models, threads, batch } = options;
  const [card] = detectorCards([await resolveModel(models, name)]);
  if (!card) throw new OtfError('OTF_USAGE', `${name} is no detector: a calibration is chosen by catalogues`);
  const { calibrate } = await import('../tasks/detection/calibration.js');
  const plain = new PlainFiles();
  let text: string;
  try {
    const images: { path: string; name: string }[] = [];
    for (const image of given) images.push({ path: await plain.of(image), name: image });
    text = await calibrate({ card, images, engine: { threads, batch } }, (tried) => print(triedText(tried)));
  } finally {
    await plain.close();
  }
  const sha256 = createHash('sha256').update(text).digest('hex');
  const file = { calibration: nameOf(sha256), sha256 };
  const path = join(dirname(card.path), file.calibration);
  const changed = withCalibration(await readFile(card.path, 'utf8'), file);
  await writeFileAtomically(path, [text]);
  const { int8 } = changed === undefined ? {} : parseModelCard(changed, card.path);
  if (changed === undefined || int8?.sha256 !== file.sha256) {
    const lines = `${int8Line(file)}, and "INT8C_INT32A" to quantizations`;
    throw new OtfError(
      'OTF_MODEL_CARD_INVALID',
      `${path} is written, but ${card.path} cannot be changed: add ${lines}`,
    );
  }
  await writeFileAtomically(card.path, [changed]);
  const before = card.int8?.calibration ?? file.calibration;
  const until = before === file.calibration ? '' : `, until then ${before}`;
  print(`${path}: written, and named in ${card.path}; servers that run use it once they are restarted${until}`);
}

function triedText({ leading, rows, share, fluxDrift, fluxScatter }: Tried): string {
  const layers = leading === 1 ? 'first convolution' : `first ${leading} convolutions`;
  const matched = `${rows.matched} rows of ${rows.fp32} and ${rows.int8} match, ${(share * 100).toFixed(1)} %`;
  const flux =
    fluxDrift === undefined || fluxScatter === undefined
      ? ''
      : `; flux ${(fluxDrift * 100).toFixed(1)} % off, scatter ${(fluxScatter * 100).toFixed(1)} %`;
  return `all but the ${layers} in INT8: ${matched} (FP32 and INT8)${flux}`;
}
