/** What files are called that commands leave: after the image, in the order of the images, never by a path of somebody else. */
import { basename } from 'node:path';

const kMaxStem = 150;

/** a for a.fits, a.fit, a.fits.gz, a.fits.fz: what `detect` and `submit` put the ending of a format behind. */
export function stemOf(image: string): string {
  const path = /^https?:\/\//.test(image) && URL.canParse(image) ? new URL(image).pathname : image;
  const name = basename(path).replace(/\.(fits|fit|fts)(\.(gz|fz))?$/i, '');
  // Names of a server are data: no folder, no hidden file, no option of the next command.
  const plain = name.replace(/[\u0000-\u001f\u007f-\u009f/\\]/g, '_').replace(/^[.-]/, '_');
  return plain.slice(0, kMaxStem) || 'image';
}

/** FITS into FITS must not take the image's own name. */
export function resultName(stem: string, extension: string): string {
  return extension === 'fits' ? `${stem}.catalogue.fits` : `${stem}.${extension}`;
}

/** One stem for each image: a, a-2, a-3 where names repeat. */
export class Stems {
  readonly #taken = new Set<string>();

  of(image: string): string {
    const stem = stemOf(image);
    let free = stem;
    for (let number = 2; this.#taken.has(free); number++) free = `${stem}-${number}`;
    this.#taken.add(free);
    return free;
  }
}
