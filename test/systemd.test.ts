/** What the server tells systemd (src/cli/systemd.ts), and the unit it is run by. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { openSupervisor } from '#otf/cli/systemd.js';
import { kPython, kRoot, missingProgram, runCli } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { startTestServer, tempDir } from './support/server.js';

/** systemd's side of sd_notify(3): Node has no datagram sockets of this kind. */
const kListener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`;
const kLibrary = ['/lib/x86_64-linux-gnu/libsystemd.so.0', '/usr/lib/x86_64-linux-gnu/libsystemd.so.0'].some(
  existsSync,
);
const skip = missingProgram(kPython, ['--version'], 'python3') || (kLibrary ? false : 'libsystemd0 is not installed');

class Listener {
  readonly told: string[] = [];
  readonly #child: ChildProcess;
  #heard: () => void = () => undefined;

  constructor(t: TestContext, socket: string) {
    this.#child = spawn(kPython, ['-c', kListener, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    atEnd(t, () => this.#child.kill('SIGKILL'));
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.told.push(line);
        this.#heard();
      });
    }
  }

  async until(wanted: RegExp): Promise<void> {
    while (!this.told.some((line) => wanted.test(line))) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
}

describe('the server below systemd', { skip }, () => {
  it('says that it is ready once it listens, that it is alive, and that it stops', async (t) => {
    const socket = join(await tempDir(t), 'notify');
    const listener = new Listener(t, socket);
    await listener.until(/^bound/);
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' };
    const server = await startTestServer(t, { env });
    await listener.until(/^READY=1 STATUS=listening on http/);
    assert.equal((await server.send('/healthz/live')).status, 200);
    await listener.until(/^WATCHDOG=1$/);
    await server.stop();
    await listener.until(/^STOPPING=1$/);
    const order = listener.told.filter((line) => !line.startsWith('WATCHDOG')).map((line) => line.split(/[ =]/)[0]);
    assert.deepEqual(order, ['bound', 'READY', 'STOPPING']);
  });

  it('tells nobody without NOTIFY_SOCKET, and does not start where it cannot tell who waits', async (t) => {
    openSupervisor({}, 'no-such-library.so').ready('here');
    assert.throws(() => openSupervisor({ NOTIFY_SOCKET: '/x' }, 'no-such-library.so'), { code: 'OTF_CONFIG_INVALID' });
    const gone = openSupervisor({ NOTIFY_SOCKET: join(await tempDir(t), 'gone') });
    gone.stopping();
  });
});

describe('the unit', () => {
  it('runs the server as it can be run, with what it promises', async () => {
    const unit = await readFile(join(kRoot, 'deploy/systemd/cianna-otf.service'), 'utf8');
    const of = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');
    const [start = ''] = of('ExecStart');
    const { stdout } = runCli(['serve', '--help'], kRoot);
    const [, node = '', own = ''] = /^\/usr\/bin\/node ((?:--\S+ )*)\S+\/cianna-otf\.js serve (.*)$/.exec(start) ?? [];
    assert.match(own, /--config/);
    for (const [option] of own.matchAll(/--[\w-]+/g)) assert.ok(stdout.includes(option), option);
    // This Node knows its own.
    const { status, stderr } = spawnSync(process.execPath, [...node.trim().split(' '), '-e', '0'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(of('Type'), ['notify']);
    assert.ok(Number(of('WatchdogSec')[0]) > 0);
    for (const key of ['NoNewPrivileges', 'PrivateTmp', 'ProtectHome']) assert.deepEqual(of(key), ['yes'], key);
    assert.deepEqual(of('ProtectSystem'), ['strict']);
    assert.ok(Number(of('TimeoutStopSec')[0]) > 30, 'above server.shutdown_s');
  });

  const noSystemd = missingProgram('systemd-analyze', ['--version'], 'systemd');
  it('is one that systemd reads without a complaint', { skip: noSystemd }, () => {
    const unit = join(kRoot, 'deploy/systemd/cianna-otf.service');
    const { output } = spawnVerify(unit);
    // The program is not installed here: that alone may be said.
    const complaints = output
      .split('\n')
      .filter((line) => line.includes('cianna-otf.service') && !/is not executable/.test(line));
    assert.deepEqual(complaints, []);
  });
});

function spawnVerify(unit: string): { output: string } {
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
  return { output: `${stdout}${stderr}` };
}
