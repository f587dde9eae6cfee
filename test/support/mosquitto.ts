/** Debian's MQTT broker, on a port of a test's own. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { atEnd } from './endings.js';
import { freePort, tempDir } from './server.js';
import { until } from './until.js';

const kBroker = '/usr/sbin/mosquitto';
const kPublish = '/usr/bin/mosquitto_pub';

/** Undefined: there is one. */
export const kNoMosquitto = existsSync(kBroker) && existsSync(kPublish) ? undefined : 'mosquitto is not installed';

export interface TestBroker {
  port: string;
  log: () => string;
  /** QoS 1, until the broker has it. */
  publish: (topic: string, message: string) => void;
  kill: () => void;
  /** Again, on its port, with nothing in it. */
  start: () => Promise<void>;
}

export async function startMosquitto(t: TestContext): Promise<TestBroker> {
  const dir = await tempDir(t);
  const port = await freePort();
  const config = join(dir, 'mosquitto.conf');
  await writeFile(
    config,
    `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\nlog_type all\n`,
  );
  const said: string[] = [];
  let kill = () => {};
  const start = async () => {
    const child = spawn(kBroker, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (data) => said.push(String(data)));
    kill = () => child.kill('SIGKILL');
    await until(() => answers(Number(port)), said.join(''), 30);
  };
  await start();
  atEnd(t, () => kill());
  const publish = (topic: string, message: string) => {
    execFileSync(kPublish, ['-h', '127.0.0.1', '-p', port, '-q', '1', '-t', topic, '-m', message]);
  };
  return { port, log: () => said.join(''), publish, kill: () => kill(), start };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
