/** A job's folder as whoever runs the job sees it (src/io/folder.ts). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { folderAt, folderRef } from '#otf/io/folder.js';
import { tempDir } from './support/server.js';

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('A folder', () => {
  it('takes what is written, over what a killed run has left, and says what it is', async (t) => {
    const dir = await tempDir(t);
    const folder = folderAt(folderRef(dir));
    await writeFile(folder.path('catalogue.csv'), 'half of something that was longer than this');
    const written = folder.write('catalogue.csv', ['id,ra\n', Buffer.from('1,2\n'), 'é']);
    assert.deepEqual(written, { size: 12, sha256: sha256('id,ra\n1,2\né') });
    folder.sync();
    assert.equal(await readFile(`${dir}/catalogue.csv`, 'utf8'), 'id,ra\n1,2\né');
    assert.equal((await folder.read('catalogue.csv'))?.toString(), 'id,ra\n1,2\né');
    assert.equal(await folder.read('nothing'), undefined);
    assert.ok((await folder.room()) > 0);
  });

  it('takes over what native code has written, and is the same in another thread', async (t) => {
    const dir = await tempDir(t);
    const folder = folderAt(structuredClone(folderAt(folderRef(dir)).ref));
    const bytes = Buffer.alloc(600_000, 'raw');
    await writeFile(folder.path('raw.tmp'), bytes);
    assert.deepEqual(folder.adopt('raw.tmp', 'raw.dat'), { size: bytes.length, sha256: sha256(bytes) });
    assert.deepEqual(await readdir(dir), ['raw.dat']);
    await folder.remove(['raw.dat', 'was never there']);
    assert.deepEqual(await readdir(dir), []);
  });

  it('says what cannot be written', async (t) => {
    const folder = folderAt(folderRef(`${await tempDir(t)}/deleted`));
    const unwritable = { code: 'OTF_OUTPUT_UNWRITABLE', message: /cannot write .*(x|deleted).*: / };
    assert.throws(() => folder.write('x', ['y']), unwritable);
    assert.throws(() => folder.adopt('x', 'z'), { code: 'OTF_OUTPUT_UNWRITABLE' });
    assert.throws(() => folder.sync(), unwritable);
    await folder.remove(['x']);
  });
});
