/** Disks that cannot be written to for a while: mounted so by somebody, or made so by the kernel after an error. */
import { accessSync, constants } from 'node:fs';
import { systemCode } from '../errors/catalogue.js';

export function isReadOnly(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return false;
  } catch (thrown) {
    return systemCode(thrown) === 'EROFS';
  }
}
