/** Room on the disk, as pictures see it: jobs come first, and whoever looks can try later. */
import { isRefusedByDisk, OtfError, toOtfError } from '../errors/catalogue.js';

/** Throws OTF_DISK_FULL when there is no room for so many bytes more, OTF_DISK_READ_ONLY. */
export type AssertRoom = (bytes: number) => void;

export function hasRoom(assertRoom: AssertRoom, bytes: number): boolean {
  try {
    assertRoom(bytes);
    return true;
  } catch (thrown) {
    if (isRefusedByDisk(thrown)) return false;
    throw thrown;
  }
}

/** What cannot be written finds a full disk, as a rule: try later. */
export async function intoFile(assertRoom: AssertRoom, make: () => Promise<number>): Promise<number> {
  assertRoom(0);
  try {
    return await make();
  } catch (thrown) {
    if (toOtfError(thrown).code !== 'OTF_OUTPUT_UNWRITABLE') throw thrown;
    throw new OtfError('OTF_DISK_FULL', 'pictures cannot be written now: try again later', { cause: thrown });
  }
}
