/** The server's own events on MQTT (src/events). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { readBroker } from '#otf/events/mqtt.js';
import { atEnd } from './support/endings.js';
import { kNoMosquitto, startMosquitto, type TestBroker } from './support/mosquitto.js';
import { field, startTestServer, tempDir } from './support/server.js';
import { until } from './support/until.js';

interface Message {
  id: string;
  phase: string;
  [name: string]: unknown;
}

function listen(t: TestContext, broker: TestBroker): { messages: Message[]; topics: string[] } {
  const args = ['-h', '127.0.0.1', '-p', broker.port, '-q', '1', '-t', 'otf/test/#', '-v'];
  const child = spawn('/usr/bin/mosquitto_sub', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  atEnd(t, () => child.kill('SIGKILL'));
  const heard = { messages: [] as Message[], topics: [] as string[] };
  let rest = '';
  child.stdout.on('data', (data) => {
    const lines = (rest + String(data)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const at = line.indexOf(' ');
      heard.topics.push(line.slice(0, at));
      heard.messages.push(JSON.parse(line.slice(at + 1)) as Message);
    }
  });
  return heard;
}

describe('events on MQTT', { skip: kNoMosquitto }, () => {
  it('tell of every phase of a job, and hold nothing up while the broker is away', async (t) => {
    const dir = await tempDir(t);
    const broker = await startMosquitto(t);
    const heard = listen(t, broker);
    await until(() => broker.log().includes('otf/test/#'), broker.log(), 30);
    const server = await startTestServer(t, {
      env: { CIANNA_OTF_EVENTS_MQTT: `mqtt://127.0.0.1:${broker.port}/otf/test` },
    });
    const image = await field(dir, 300, 1);
    const phases = (id: string) => heard.messages.filter((message) => message.id === id).map(({ phase }) => phase);
    const first = await server.submit({ RUNID: 'mine' }, image);
    await until(() => phases(first).includes('COMPLETED'), JSON.stringify(heard), 60);
    assert.deepEqual(phases(first), ['QUEUED', 'EXECUTING', 'COMPLETED']);
    assert.deepEqual([...new Set(heard.topics)], [`otf/test/jobs/${first}`]);
    const last = heard.messages.at(-1);
    assert.deepEqual([last?.runId, last?.kind, last?.model], ['mine', 'detector', 'demo-continuum']);
    assert.equal(last?.url, `${server.url}/jobs/${first}`);
    const [result] = (last?.results ?? []) as string[];
    assert.equal((await fetch(result ?? '')).status, 200);
    const broken = await server.submit({}, Buffer.from('no image'));
    await until(() => phases(broken).includes('ERROR'), JSON.stringify(heard), 60);
    assert.match(String(heard.messages.at(-1)?.error), /FITS/);
    // Jobs do not wait for it, and it hears of them afterwards.
    broker.kill();
    const alone = await server.submit({}, image);
    await server.until(alone, 'COMPLETED');
    assert.match(await server.text('/metrics'), /^otf_events_connected 0$/m);
    await broker.start();
    const later = listen(t, broker);
    await until(() => later.messages.some(({ id, phase }) => id === alone && phase === 'COMPLETED'), broker.log(), 60);
    await server.send(`/jobs/${alone}`, { method: 'DELETE' });
    await until(() => later.messages.some(({ id, phase }) => id === alone && phase === 'DELETED'), 'no word of it', 60);
    assert.equal(await server.stop(), 0);
  });

  it('tell of what a start changes, too', async (t) => {
    const dir = await tempDir(t);
    const broker = await startMosquitto(t);
    const env = { CIANNA_OTF_EVENTS_MQTT: `mqtt://127.0.0.1:${broker.port}/otf/test` };
    const before = await startTestServer(t, { env });
    const ids = await Promise.all([1, 2].map(async (seed) => before.submit({}, await field(dir, 2000, seed))));
    await until(async () => (await before.text('/metrics')).includes('otf_jobs{phase="EXECUTING"} 2'), 'none runs', 60);
    await before.stop('SIGKILL');
    const heard = listen(t, broker);
    await until(() => broker.log().includes('otf/test/#'), broker.log(), 30);
    const server = await startTestServer(t, { env, dataDir: before.dataDir });
    const phases = (id: string) => heard.messages.filter((message) => message.id === id).map(({ phase }) => phase);
    for (const id of ids) {
      await until(() => phases(id).includes('COMPLETED'), JSON.stringify(heard), 60);
      assert.deepEqual(phases(id), ['QUEUED', 'EXECUTING', 'COMPLETED']);
    }
    assert.equal(await server.stop(), 0);
  });

  it('keep no server from starting or ending when there is no broker', async (t) => {
    const server = await startTestServer(t, { env: { CIANNA_OTF_EVENTS_MQTT: 'mqtt://127.0.0.1:1/x' } });
    await until(() => server.log.join('').includes('the MQTT broker'), 'nothing is said', 30);
    assert.equal(await server.stop(), 0);
  });
});

describe('addresses of brokers', () => {
  it('have a topic and no secrets', () => {
    assert.deepEqual(readBroker('mqtt://h/a/b%20c/'), { url: 'mqtt://h', topic: 'a/b c' });
    assert.deepEqual(readBroker('mqtts://h:8883'), { url: 'mqtts://h:8883', topic: '' });
    for (const bad of ['http://h/a', 'mqtt://u:p@h/a', 'mqtt:///a', 'mqtt://h/a?b', 'mqtt://h/%00', 'h']) {
      assert.equal(readBroker(bad), undefined, bad);
    }
  });
});
