/** WebDAV as rclone serves it, which many a site puts before its storage: Debian's, in a folder of a test. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { missingProgram } from './cli.js';
import { atEnd } from './endings.js';
import { freePort } from './server.js';
import { until } from './until.js';

const kRclone = '/usr/bin/rclone';
/** Undefined: it is there. */
export const kNoRclone = missingProgram(kRclone, ['version'], 'rclone');

/** HOST:PORT of a server of the folder's files. */
export async function rcloneDoor(t: TestContext, dir: string): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(kRclone, ['serve', 'webdav', dir, '--addr', address, '--config', '/dev/null'], {
    stdio: 'ignore',
  });
  atEnd(t, () => child.kill('SIGKILL'));
  const isOpen = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(Number(address.split(':')[1]), '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
  await until(isOpen, 'rclone does not start', 60);
  return address;
}
