/** Programs that show an image by an address of theirs: pictures.open_in of the configuration, filled in for one image. */
import { basename, dirname } from 'node:path';

export interface OpenIn {
  name: string;
  url: string;
}

/**
 * `bytes`: where the image can be had from, `path`: where it lies for programs on this machine (CARTA reads files of its own).
 * A template that wants what there is not is left out.
 */
export function openIn(templates: Readonly<Record<string, string>>, path: string, bytes: string | undefined): OpenIn[] {
  const values = new Map<string, string | undefined>([
    ['url', bytes],
    ['folder', dirname(path)],
    ['file', basename(path)],
  ]);
  return Object.entries(templates).flatMap(([name, template]) => {
    const wanted = [...template.matchAll(/\{(\w+)\}/g)].map(([, key = '']) => key);
    if (wanted.some((key) => values.get(key) === undefined)) return [];
    return [{ name, url: template.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(values.get(key) ?? '')) }];
  });
}
