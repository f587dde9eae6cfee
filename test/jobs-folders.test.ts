/** Folders of jobs: one becomes a job's own by its name, and takes nobody else's. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { JobFolders } from '#otf/jobs/folders.js';
import { tempDir } from './support/server.js';

describe('a folder that becomes a job', () => {
  it('has what was spooled, under the name of the job', async (t) => {
    const folders = new JobFolders(await tempDir(t), 0);
    const spool = folders.newSpool();
    await writeFile(spool.path('image'), 'pixels');
    const id = await folders.adopt(spool);
    assert.equal(await readFile(join(folders.jobDir(id), 'image'), 'utf8'), 'pixels');
    assert.equal(folders.kindOf(id), 'ours');
    folders.settle(id);
    assert.equal(folders.kindOf(id), 'job');
  });

  it('leaves alone what is there under its name', async (t) => {
    const folders = new JobFolders(await tempDir(t), 0);
    const spool = folders.newSpool();
    const other = folders.jobDir(spool.jobId);
    await mkdir(other);
    await writeFile(join(other, 'image'), "another one's");
    await assert.rejects(folders.adopt(spool), { code: 'OTF_INTERNAL' });
    assert.equal(await readFile(join(other, 'image'), 'utf8'), "another one's");
    assert.deepEqual(await readdir(folders.jobsDir), [spool.jobId]);
    assert.equal(folders.kindOf(spool.jobId), 'job');
  });
});
