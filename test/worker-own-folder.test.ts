/** Where workers have their jobs under way, and what is left there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ownFolder, removeOwnFolder } from '#otf/run/worker/own-folder.js';
import { atEnd } from './support/endings.js';

describe('The folder of a worker', () => {
  it('goes with it, or when the next one of this machine begins, and never while somebody has it', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'otf-own-'));
    atEnd(t, () => rmSync(dir, { recursive: true }));
    const all = join(dir, 'jobs');
    const one = await ownFolder(all, 'one', 'a');
    const owner = readFileSync(`${one}.owner`, 'utf8').split(' ');
    const gone = spawnSync('true').pid;
    const put = (name: string, [host, boot, pid]: readonly (string | number | undefined)[]) => {
      mkdirSync(join(all, name, 'job'), { recursive: true });
      writeFileSync(join(all, `${name}.owner`), `${host} ${boot} ${pid}`);
    };
    put('killed.x', [owner[0], owner[1], gone]);
    put('before-a-start-of-the-machine.x', [owner[0], 'another', process.pid]);
    put('like-us-in-a-container.x', [owner[0], owner[1], process.pid]);
    put('lives.x', [owner[0], owner[1], process.ppid]);
    put('elsewhere.x', ['another', 'another', gone]);
    put('unread.x', ['', '', '']);
    put('two.before', ['another', 'another', gone]);
    const two = await ownFolder(all, 'two', 'b');
    const folders = () => readdirSync(all).filter((name) => !name.endsWith('.owner'));
    assert.deepEqual(folders().sort(), ['elsewhere.x', 'lives.x', 'one.a', 'two.b', 'unread.x']);
    await removeOwnFolder(one);
    await removeOwnFolder(two);
    assert.deepEqual(folders().sort(), ['elsewhere.x', 'lives.x', 'unread.x']);
    assert.deepEqual(
      readdirSync(all).filter((name) => /^(one|two)/.test(name)),
      [],
    );
  });
});
