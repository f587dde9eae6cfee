/** Names of images, where a folder or a bucket has other things, too. */
const kEnding = /\.(fits|fit|fts|fz)(\.gz)?$/i;

/** Is it an image by its name? */
export function isImageName(name: string): boolean {
  return kEnding.test(name) && !name.startsWith('.');
}

/** Without its ending. */
export function stemOf(name: string): string {
  return name.replace(kEnding, '');
}
