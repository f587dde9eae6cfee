/** What a watcher has seen is found again: one file for each place, however the place is spelt. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Ledger } from '#otf/watch/ledger.js';
import { placeOf, stateFileOf } from '#otf/watch/state-file.js';
import { atEnd } from './support/endings.js';
import { tempDir } from './support/server.js';

const kEntry = { state: 'started', job: 'j1' } as const;

/** In a folder of its own that has `in`. */
async function inside(t: TestContext): Promise<{ dir: string; spellings: string[] }> {
  const dir = await tempDir(t);
  await mkdir(join(dir, 'in'));
  const before = process.cwd();
  process.chdir(dir);
  atEnd(t, () => process.chdir(before));
  const spellings = ['in', './in', 'in/', './in/', `../${basename(dir)}/in`, join(dir, 'in'), `${join(dir, 'in')}/`];
  return { dir, spellings };
}

describe('the state of a watcher', () => {
  it('of a folder is one file, by whatever path the folder is named', async (t) => {
    const { dir, spellings } = await inside(t);
    assert.equal(new Set(spellings.map(stateFileOf)).size, 1);
    const ledger = new Ledger(stateFileOf('in'), placeOf('in'));
    ledger.write('a.fits 1', kEntry);
    ledger.close();
    for (const where of spellings) {
      const again = new Ledger(join(dir, stateFileOf(where)), placeOf(where));
      assert.deepEqual(again.of('a.fits 1'), kEntry, where);
      again.close();
    }
    const other = () => new Ledger(stateFileOf('in'), placeOf('other'));
    assert.throws(other, { code: 'OTF_STORE_UNUSABLE' });
  });

  it('of an earlier version, named after a spelling, is gone on with under every other', async (t) => {
    const { spellings } = await inside(t);
    const old = `cianna-otf-${createHash('sha256').update('./in').digest('hex').slice(0, 12)}.watch`;
    const ledger = new Ledger(old, './in');
    ledger.write('a.fits 1', kEntry);
    ledger.close();
    for (const where of spellings) {
      assert.equal(stateFileOf(where), old, where);
      const again = new Ledger(stateFileOf(where), placeOf(where));
      assert.deepEqual(again.of('a.fits 1'), kEntry, where);
      again.close();
    }
  });

  it('of buckets and topics is named after their addresses, in which a slash means something', async (t) => {
    await inside(t);
    const places = ['s3://b/a', 's3://b/a/', 'mqtt://h/t', 'in'];
    assert.equal(new Set(places.map(stateFileOf)).size, places.length);
    assert.equal(placeOf('mqtt://me:secret@h/t'), 'mqtt://h/t');
  });
});
