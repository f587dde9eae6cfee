// The document of everything: npm packages, Debian's libraries, models, and what else there is.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { capture, kRoot } from '../setup/step.mjs';
import { debianComponents } from './debian.mjs';
import { named, table } from './licence.mjs';
import { npmComponents } from './npm.mjs';

async function modelComponents() {
  const components = [];
  for (const name of (await readdir(join(kRoot, 'models'))).sort()) {
    const card = parse(await readFile(join(kRoot, 'models', name, 'model.toml'), 'utf8'));
    const hashes = [{ alg: 'SHA-256', content: card.sha256 }];
    const type = 'machine-learning-model';
    components.push({
      'bom-ref': `model:${card.id}`,
      type,
      name: card.id,
      description: card.title,
      hashes,
      licenses: [named(card.licence)],
    });
  }
  return components;
}

/**
 * `packages`: of Debian. `only`: npm packages (name@version), when not all that run are in it. `more`: components besides.
 * @returns the CycloneDX document, the table of licences, and how many of what it has
 */
export async function bill({ packages, only, more = [] }) {
  const { document, components, dependencies } = await npmComponents(only);
  const [libraries, models] = [await debianComponents(packages), await modelComponents()];
  const committed = await capture('git', ['-C', kRoot, 'show', '-s', '--format=%cI', 'HEAD']);
  const { serialNumber: _, ...rest } = document;
  const timestamp = new Date(committed.code === 0 ? committed.output.trim() : 0).toISOString();
  const bom = {
    ...rest,
    metadata: { ...document.metadata, timestamp, component: { ...document.metadata.component, name: 'cianna-otf' } },
    components: [...more, ...components, ...libraries, ...models],
    dependencies,
  };
  const licences = [
    '# Licences of what cianna-otf is made of\n',
    ...(more.length > 0 ? [table('Programs', more)] : []),
    table('npm packages, those in the page too', components),
    table("Debian's libraries (every licence their sources have)", libraries),
    table('Models', models),
  ].join('\n');
  const counts = `${components.length} npm packages, ${libraries.length} libraries, ${models.length} models`;
  return { bom, licences, counts };
}
