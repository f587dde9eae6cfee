/** Every UCD this program writes is one of the IVOA's controlled vocabulary, its words in the places they may have. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { kNoAstropy, kRoot, python } from './support/cli.js';

/** Texts that begin with a branch of the UCD1+ tree (UCD1+ controlled vocabulary 1.5). */
const kUcd =
  /(['"`])((?:arith|em|instr|meta|obs|phot|phys|pos|spect|src|stat|time)\.[A-Za-z][A-Za-z0-9.-]*(?:;[A-Za-z0-9.-]+)*)\1/g;

const kCheck = `
import sys, json
from astropy.io.votable.ucd import parse_ucd
wrong = []
for ucd in sys.argv[1].split(' '):
    try:
        parse_ucd(ucd, check_controlled_vocabulary=True, has_colon=False)
    except ValueError as fault:
        wrong.append('%s: %s' % (ucd, fault))
print(json.dumps(wrong))
`;

function ucdsOf(folder: string): string[] {
  return readdirSync(join(kRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(tsx?|toml)$/.test(entry.name))
    .flatMap((entry) => [...readFileSync(join(entry.parentPath, entry.name), 'utf8').matchAll(kUcd)])
    .map(([, , ucd = '']) => ucd);
}

it('UCDs are of the controlled vocabulary', { skip: kNoAstropy }, () => {
  const all = [...new Set([...ucdsOf('src'), ...ucdsOf('models')])];
  assert.ok(all.length > 50, `only ${all.length} were found`);
  assert.ok(all.includes('phot.flux.density;em.radio') && all.includes('time.epoch'));
  assert.deepEqual(python(kCheck, all.join(' ')), []);
  assert.equal(
    (python(kCheck, 'phot.fluxx stat.error;phot.flux.density em.radio;phot.flux.density') as string[]).length,
    2,
  );
});
