/** `backup`: a copy made beside a server at work is whole, and a server can be started on it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chown, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Sqlite } from '#otf/jobs/sqlite.js';
import { kPython, kRoot, missingProgram, runCli } from './support/cli.js';
import { startCommand } from './support/peers.js';
import { field, pause, startTestServer, tempDir } from './support/server.js';

const kNoPython = missingProgram(kPython, ['--version'], 'python3');
/** Jobs of the load that are not deleted, about. */
const kKept = 30;
const kProgram = join(kRoot, 'bin/cianna-otf.js');
/** nobody: who may start the program where this is root, and the program lies where everybody may read. */
const kOther = 65_534;
const kNoOthers = noOthers();

function noOthers(): string | false {
  if (process.geteuid?.() !== 0) return 'only root is two users';
  const { status } = spawnSync(process.execPath, [kProgram, '--version'], { uid: kOther, gid: kOther });
  return status === 0 ? false : 'another user cannot start this program here';
}

interface Done {
  jobs: number;
  files: number;
  bytes: number;
  online: boolean;
  deleted: number;
}

async function backup(dataDir: string, output: string, env: Record<string, string> = {}): Promise<Done> {
  const args = [kProgram, 'backup', '--data-dir', dataDir, '-o', output, '--json'];
  const { code, stdout, stderr } = await startCommand(process.execPath, args, env);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Done;
}

describe('backup', () => {
  it('beside a server under load gives a folder that a server goes on with', async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const image = await field(dir, 300, 1);
    const first = await server.submit({ RUNID: 'before' }, image);
    await server.until(first, 'COMPLETED');
    const catalogue = await server.text(`/jobs/${first}/results/result`);
    // Jobs come, run, end and are deleted all the while.
    let loading = true;
    const acknowledged = new Set([first]);
    const load = (async () => {
      for (let count = 0; loading; count++) {
        const id = await server.submit({ RUNID: `load ${count}` }, image);
        // They stay few, however slow the machine is; coming and going does not end.
        if (count % 3 === 0 || count > kKept) await server.send(`/jobs/${id}`, { method: 'DELETE' });
        else acknowledged.add(id);
        await pause(20);
      }
    })();
    await pause(300);
    const before = new Set(acknowledged);
    const copies = [join(dir, 'copy-1'), join(dir, 'copy-2')];
    const done: Done[] = [];
    for (const copy of copies) done.push(await backup(server.dataDir, copy));
    loading = false;
    await load;
    const [, last] = done;
    assert.ok(last?.online && last.jobs >= before.size, JSON.stringify([done, before.size]));
    await server.stop('SIGKILL');

    const [, copy = ''] = copies;
    assert.equal((await stat(copy)).mode & 0o777, 0o700);
    assert.deepEqual((await readdir(copy)).sort(), ['backup.json', 'jobs', 'otf.sqlite']);
    const database = new Sqlite(join(copy, 'otf.sqlite'), { readonly: true });
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
    const rows = database.prepare('SELECT id FROM job').pluck().all() as string[];
    database.close();
    // No row without a folder, no folder without a row, and every job that was there before.
    assert.deepEqual(rows.sort(), (await readdir(join(copy, 'jobs'))).sort());
    for (const id of before) assert.ok(rows.includes(id), id);

    const again = await startTestServer(t, { dataDir: copy });
    assert.equal(await again.text(`/jobs/${first}/results/result`), catalogue);
    assert.equal((await again.send(`/jobs/${first}/results/fits`)).status, 200, 'other formats are still made');
    for (const id of rows) assert.equal((await again.until(id, 'COMPLETED')).phase, 'COMPLETED', id);
    const uploaded = await again.send(`/jobs/${rows.at(-1)}/parameters/IMAGE`);
    assert.deepEqual(Buffer.from(await uploaded.arrayBuffer()), image);
  });

  it('by root of a server of another user has what that user alone may write', { skip: kNoOthers }, async (t) => {
    const dir = await tempDir(t);
    const dataDir = await tempDir(t);
    await chown(dataDir, kOther, kOther);
    const tokens = join(dir, 'elsewhere.json');
    await writeFile(tokens, '{"version":1,"tokens":[]}');
    const server = await startTestServer(t, { dataDir, uid: kOther });
    const id = await server.submit({}, await field(dir, 200, 1));
    await server.until(id, 'COMPLETED');
    const left = join(dataDir, 'otf.sqlite.backup-left');
    await writeFile(left, 'of a command that was killed');
    await utimes(left, 1, 1);
    const done = await backup(dataDir, join(dir, 'copy'), { CIANNA_OTF_AUTH_TOKENS_FILE: tokens });
    assert.deepEqual([done.online, done.jobs], [true, 1]);
    assert.deepEqual((await readdir(join(dir, 'copy'))).sort(), ['backup.json', 'jobs', 'otf.sqlite', 'tokens.json']);
    assert.deepEqual(
      (await readdir(dataDir)).filter((name) => name.includes('backup')),
      [],
    );
    const again = await startTestServer(t, { dataDir: join(dir, 'copy'), env: { CIANNA_OTF_AUTH_ANONYMOUS: 'true' } });
    assert.equal((await again.job(id)).phase, 'COMPLETED');
  });

  it('of a folder that no server uses needs none', async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(dir, 200, 1));
    await server.until(id, 'COMPLETED');
    await server.stop();
    await mkdir(join(dir, 'deep/copy.part'), { recursive: true });
    const done = await backup(server.dataDir, join(dir, 'deep/copy'));
    assert.deepEqual([done.online, done.jobs, done.deleted], [false, 1, 0]);
    assert.deepEqual((await readdir(join(dir, 'deep'))).sort(), ['copy', 'copy.part'], 'what was there stays');
    const again = await startTestServer(t, { dataDir: join(dir, 'deep/copy') });
    assert.equal((await again.job(id)).phase, 'COMPLETED');
  });

  it('leaves nothing when it cannot be made, and says why in one line', async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(dir, 200, 1));
    await server.until(id, 'COMPLETED');
    const refused = (args: string[], code: number, message: RegExp) => {
      const { code: got, stderr } = runCli(['backup', ...args], dir);
      assert.deepEqual([got, message.test(stderr), stderr.trim().split('\n').length], [code, true, 1], stderr);
    };
    refused(['--data-dir', dir, '-o', join(dir, 'x')], 1, /has no otf\.sqlite/);
    refused(['--data-dir', server.dataDir, '-o', dir], 2, /is there already/);
    // A file that the database names is gone: the copy would not be whole.
    const [job = ''] = await readdir(join(server.dataDir, 'jobs'));
    const [upload = ''] = (await readdir(join(server.dataDir, 'jobs', job))).filter((name) =>
      name.startsWith('upload'),
    );
    await rm(join(server.dataDir, 'jobs', job, upload));
    refused(['--data-dir', server.dataDir, '-o', join(dir, 'y')], 1, new RegExp(`lack files.*${id}`));
    assert.deepEqual(
      (await readdir(dir)).filter((name) => /^[xy]/.test(name)),
      [],
    );
  });
});

describe('the control socket', () => {
  it('is for the user of the server alone, and knows one order', { skip: kNoPython }, async (t) => {
    const server = await startTestServer(t);
    const socket = join(server.dataDir, 'control.sock');
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
    const ask = async (line: string) => {
      const script = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b'\\n')
print(s.recv(4096).decode())`;
      return (await startCommand(kPython, ['-c', script, socket, line])).stdout;
    };
    assert.match(await ask('hello'), /OTF_BAD_REQUEST/);
    assert.match(await ask('{"order":"delete"}'), /OTF_BAD_REQUEST/);
    assert.match(await ask('null'), /OTF_BAD_REQUEST/);
    assert.match(await ask('{"order":"backup","path":"/nowhere/at/all"}'), /OTF_OUTPUT_UNWRITABLE/);
    const snapshot = join(server.dataDir, 'snapshot');
    const asked = JSON.stringify({ order: 'backup', path: snapshot });
    assert.match(await ask(asked), /"done":true/);
    assert.equal((await stat(snapshot)).mode & 0o777, 0o600);
    assert.match(await ask(asked), /OTF_OUTPUT_UNWRITABLE/, 'nothing is written over');
    assert.equal((await server.send('/healthz')).status, 200);
    await server.stop();
    assert.equal((await readdir(server.dataDir)).includes('control.sock'), false);
  });
});
