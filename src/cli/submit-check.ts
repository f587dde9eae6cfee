/** A look at the images before they are sent: what the server would refuse at once should not cost an upload. */
import { open } from 'node:fs/promises';
import { isRemote } from '../client/client.js';
import { type NativeAddon, native } from '../engine/addon.js';
import { type ErrorCode, OtfError, systemReason, toOtfError } from '../errors/catalogue.js';
import { readDetection } from '../tasks/detection/parameters.js';
import { nativeRegion } from '../tasks/detection/region.js';
import { kNoDefaults } from '../tasks/kind.js';
import { asUsage, givenOf } from './parameters.js';

/** Certain from the header; whatever else is odd about an image is the server's to judge. */
const kCertain: ErrorCode[] = ['OTF_FITS_UNREADABLE', 'OTF_FITS_TRUNCATED', 'OTF_FITS_NO_IMAGE', 'OTF_ROI_OUTSIDE'];
const kGzip = Buffer.of(0x1f, 0x8b);

/** The server's model is not known here, and nothing that is looked at depends on it. */
const kNoModel = { normalisation: [] };

/** Throws what is wrong with the first image that has something wrong: none has been sent then. */
export async function checkImages(images: readonly string[], fields: Record<string, string>): Promise<void> {
  const { region, hdu, plane } = asUsage(() => readDetection(givenOf(fields), kNoModel, kNoDefaults, []));
  const files = images.filter((image) => !isRemote(image));
  for (const file of files) await assertReadable(file);
  const addon = await addonIfThere();
  if (!addon) return;
  for (const path of files) {
    // Its header is behind the compression: the server unpacks it.
    if ((await firstBytes(path)).equals(kGzip)) continue;
    const image = { path, ...(hdu === undefined ? {} : { hdu }), ...(plane === undefined ? {} : { plane }) };
    const request = { image, ...nativeRegion(region) };
    await addon.checkImage(request).catch((thrown) => {
      const error = toOtfError(thrown);
      if (!kCertain.includes(error.code)) return;
      const message = error.message.includes(path) ? error.message : `${path}: ${error.message}`;
      throw new OtfError(error.code, `${message}; nothing was sent (--no-check sends it all the same)`);
    });
  }
}

/** A client without the native build: the server checks what it gets anyway. */
async function addonIfThere(): Promise<NativeAddon | undefined> {
  try {
    return native();
  } catch (thrown) {
    if (toOtfError(thrown).code === 'OTF_ADDON_MISSING') return undefined;
    throw thrown;
  }
}

async function assertReadable(path: string): Promise<void> {
  const fault = (reason: string) => new OtfError('OTF_INPUT_UNREADABLE', `cannot read ${path}: ${reason}`);
  const file = await open(path, 'r').catch((thrown) => {
    throw fault(systemReason(thrown));
  });
  try {
    if (!(await file.stat()).isFile()) throw fault('it is no file');
  } finally {
    await file.close();
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(kGzip.length), 0, kGzip.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
