/** Files of a command that must not be its own inputs, by whatever path they are named. */
import { realpath } from 'node:fs/promises';
import { OtfError } from '../errors/catalogue.js';

type Paths = readonly (string | undefined)[];

/** `remedy`: what to do about it. Throws OTF_USAGE. */
export async function refuseOverwriting(
  outputs: Paths,
  inputs: Paths,
  remedy = 'choose another output',
): Promise<void> {
  const real = (path: string) => realpath(path).catch(() => path);
  const given = await Promise.all(inputs.filter((path) => path !== undefined).map(real));
  for (const output of outputs) {
    if (output !== undefined && given.includes(await real(output)))
      throw new OtfError('OTF_USAGE', `${output} is the input itself: ${remedy}`);
  }
}
