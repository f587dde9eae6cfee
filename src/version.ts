/** Name and version of this program, as written into every result. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  name: string;
  version: string;
};

export const kSoftware = { name: manifest.name, version: manifest.version } as const;
