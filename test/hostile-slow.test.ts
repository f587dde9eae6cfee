/** Those who keep a connection and do nothing with it, or hardly anything: it is closed, and what they began is gone. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';
import { rawSocket } from './service/raw.js';
import { atEnd } from './support/endings.js';
import { until } from './support/until.js';

/** More than the kernel keeps for one who does not read. */
const kLarge = 'row\n'.repeat(4_000_000);
const kDripMs = 500;
/** uWebSockets.js waits ten seconds, and counts in steps of four. */
const kPatienceS = 120;

const head = (method: string, path: string, ...lines: string[]) =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: localhost', ...lines].join('\r\n')}\r\n`;

describe('A connection', () => {
  it('of one who is slow at it is closed: idle, a head, a body, a reader; and nothing of it is left', async (t) => {
    const b = await bench(t, { catalogue: kLarge });
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    const form = ['Content-Type: multipart/form-data; boundary=XX', 'Content-Length: 1000000'];
    const part = '--XX\r\nContent-Disposition: form-data; name="IMAGE"; filename="a.fits"\r\n\r\n';
    const get = `${head('GET', `/jobs/${id}/results/result`, 'Accept-Encoding: identity')}\r\n`;
    const slow = {
      'that says nothing': '',
      'that has had its answer': `${head('GET', '/healthz/live')}\r\n`,
      'with an endless head': `${head('GET', '/healthz/live')}X-A: `,
      'with an endless body': `${head('POST', '/jobs', ...form)}\r\n${part}`,
    };
    const open = new Map<string, Socket>();
    for (const [what, text] of Object.entries(slow)) {
      const socket = await rawSocket(b.url);
      atEnd(t, () => socket.destroy());
      socket.resume().write(text);
      open.set(what, socket);
      socket.once('close', () => open.delete(what));
    }
    // Both are let down by their server in the middle of a file; they do not hear of it while they do not read.
    const readers = await Promise.all(['nothing', 'little'].map(() => rawSocket(b.url)));
    for (const reader of readers) {
      atEnd(t, () => reader.destroy());
      reader.pause().write(get);
    }
    const drip = setInterval(() => {
      for (const [what, socket] of open) if (what.includes('endless')) socket.write('a');
      readers[1]?.read(1000);
    }, kDripMs);
    atEnd(t, () => clearInterval(drip));
    await until(async () => (await readdir(join(b.dataDir, 'jobs'))).length === 2, 'no upload has begun');
    await until(() => open.size === 0, 'they are there still', kPatienceS);
    // Whoever asks is one.
    const connections = async () => /^otf_connections (\d+)$/m.exec(await b.text('/metrics'))?.[1];
    await until(async () => (await connections()) === '1', 'readers are served still', kPatienceS);
    await until(async () => (await readdir(join(b.dataDir, 'jobs'))).join() === id, 'the upload is left');
    assert.deepEqual(b.errors, []);
    assert.equal((await b.text(`/jobs/${id}/results/result`)).length, kLarge.length);
  });
});
