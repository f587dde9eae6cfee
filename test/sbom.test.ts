/** What is said of the parts of the program is whole: npm packages of run time and of the page, Debian's libraries, the models. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot, missingProgram } from './support/cli.js';

interface Component {
  name: string;
  version?: string;
  type: string;
  purl?: string;
  licenses?: unknown[];
}

const kNoDpkg = missingProgram('dpkg-query', ['--version'], 'dpkg');
/** Debian 13's own is older. */
const kOldNpm = execFileSync('npm', ['--version'], { encoding: 'utf8' }).startsWith('9.') && 'npm 10 is not installed';

describe('npm run sbom', { skip: kNoDpkg || kOldNpm }, () => {
  it('lists every part with its licence, and twice the same', () => {
    const made = () => {
      execFileSync(process.execPath, ['scripts/sbom.mjs'], { cwd: kRoot, stdio: ['ignore', 'ignore', 'inherit'] });
      return ['cianna-otf.cdx.json', 'licences.txt'].map((name) =>
        readFileSync(join(kRoot, 'build/sbom', name), 'utf8'),
      );
    };
    const [text = '', licences = ''] = made();
    assert.deepEqual(made(), [text, licences]);
    const bom = JSON.parse(text) as { bomFormat: string; components: Component[] };
    assert.equal(bom.bomFormat, 'CycloneDX');
    const names = new Set(bom.components.map(({ name }) => name));
    const { dependencies } = JSON.parse(readFileSync(join(kRoot, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const [name, wanted] of Object.entries(dependencies)) {
      // An alias stands under the name of what it is.
      const alias = /^npm:(.+)@[^@]+$/.exec(wanted)?.[1];
      assert.ok(names.has(name) || (alias !== undefined && names.has(alias)), name);
    }
    // In the page, with what it needs itself; and nothing of the tools.
    for (const name of ['preact', '@preact/signals', '@preact/signals-core', 'openseadragon', 'uplot'])
      assert.ok(names.has(name), name);
    for (const name of ['typescript', 'vite', '@biomejs/biome', 'playwright-core']) assert.ok(!names.has(name), name);
    const libraries = bom.components.filter(({ purl }) => purl?.startsWith('pkg:deb/'));
    for (const name of [
      /^libcfitsio/,
      /^libwcs|^wcslib/,
      /^libdnnl/,
      /^libpng/,
      /^libexpat1/,
      /^zlib1g/,
      /^libstdc\+\+/,
    ])
      assert.ok(
        libraries.some((each) => name.test(each.name)),
        String(name),
      );
    const models = bom.components.filter(({ type }) => type === 'machine-learning-model').map(({ name }) => name);
    assert.deepEqual(models, ['demo-continuum', 'demo-transients']);
    for (const { name, licenses = [] } of bom.components) assert.ok(licenses.length > 0, `${name} has no licence`);
    assert.ok(!licences.includes('not stated'), licences);
    // What this program may not be shipped with.
    assert.doesNotMatch(licences.split('## Debian')[0] ?? '', /AGPL|(?<!L)GPL/);
  });
});
