/** How this program is started on a node of Slurm: as it was started here, or by an Apptainer image of it. */
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { OtfError, systemReason } from '../errors/catalogue.js';
import type { Launch } from '../slurm/script.js';

/** `folders`: that it has to see. Throws OTF_USAGE for an image that cannot be read. */
export function launchOf(image: string | undefined, folders: readonly string[]): Launch {
  const [, program = ''] = process.argv;
  const command = [process.execPath, ...process.execArgv, program];
  if (image === undefined) return { command, binds: [], env: {} };
  const path = resolve(image);
  try {
    accessSync(path, constants.R_OK);
  } catch (thrown) {
    throw new OtfError(
      'OTF_USAGE',
      `--image ${path}: ${systemReason(thrown)}; build it with deploy/container/cianna-otf.def`,
    );
  }
  return { command, image: path, binds: [...new Set(folders)], env: {} };
}
