/** A WebDAV door as sites of the WLCG and of SRCNet have it: Debian's xrootd with libXrdHttp, in a folder of a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { missingProgram } from './cli.js';
import { atEnd } from './endings.js';
import { freePort } from './server.js';

const kXrootd = '/usr/bin/xrootd';
/** Undefined: it is there. */
export const kNoXrootd = missingProgram(kXrootd, ['-v'], 'xrootd-server');

/** HOST:PORT of a site whose files are those of dir/data. */
export async function webdavDoor(t: TestContext, dir: string): Promise<string> {
  // As root it runs as another user.
  await chmod(dir, 0o755);
  for (const name of ['data', 'log']) {
    await mkdir(join(dir, name));
    await chmod(join(dir, name), 0o777);
  }
  const port = Number(await freePort());
  const lines = [
    ...['all.export /', `oss.localroot ${dir}/data`, `all.adminpath ${dir}/log`, `all.pidpath ${dir}/log`],
    ...[
      `xrd.port ${port}`,
      'xrd.network nodnr',
      `xrd.protocol http:${port} libXrdHttp.so`,
      'xrootd.chksum max 2 adler32 md5',
    ],
  ];
  await writeFile(join(dir, 'xrootd.cfg'), `${lines.join('\n')}\n`);
  // Root may not run it: it becomes the user that Debian has for daemons.
  const args = [
    '-c',
    join(dir, 'xrootd.cfg'),
    '-l',
    join(dir, 'log/xrootd.log'),
    ...(process.getuid?.() === 0 ? ['-R', 'daemon'] : []),
  ];
  const child: ChildProcess = spawn(kXrootd, args, { stdio: 'ignore' });
  atEnd(t, () => child.kill('SIGKILL'));
  for (let left = 200; ; left--) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return `127.0.0.1:${port}`;
    if (left === 0) throw new Error(`xrootd does not start: its log is in ${dir}/log`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
