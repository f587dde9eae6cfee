/** Name, version and commit of this program, as written into every result. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  name: string;
  version: string;
};

/** What scripts/build-info.mjs left beside the compiled code; nothing when that was no git checkout. */
function builtFrom(): string {
  try {
    const info = JSON.parse(readFileSync(new URL('./build-info.json', import.meta.url), 'utf8')) as { commit: string };
    return info.commit;
  } catch {
    return 'unknown';
  }
}

export const kSoftware = { name: manifest.name, version: manifest.version, commit: builtFrom() } as const;
