/** Disks that are full for a while, that may not be written to, and that give back something else than was written. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '../soak/random.js';
import { kProgram } from '../support/cli.js';
import { fillUp, mounted } from '../support/disks.js';
import { field, startTestServer, type TestServer, tempDir } from '../support/server.js';
import type { Outcome, Scene } from './scene.js';

export const kSkipped: Outcome = { figures: {}, faults: [], skipped: 'file systems cannot be mounted here' };
const kFillers = 3;
const kUploads = 30;

async function submit(server: TestServer, image: Buffer, tally: { refused: number; faults: string[] }) {
  const answer = await server.post({}, image);
  const text = await answer.text();
  if (answer.status === 303) return (answer.headers.get('location') ?? '').split('/').pop();
  tally.refused += 1;
  if (answer.status !== 503 || !answer.headers.has('retry-after')) tally.faults.push(`${answer.status} ${text}`);
  return undefined;
}

/** What is acknowledged completes, or says that the disk was full; what is not is 503; afterwards all is as before. */
export const fullDisk: Scene = async (t) => {
  const dir = mounted(t, 'size=64m');
  if (dir === undefined) return kSkipped;
  const image = await field(await tempDir(t), 500, 1);
  const server = await startTestServer(t, { dataDir: dir, env: { CIANNA_OTF_STORAGE_RESERVE_MB: '2' } });
  const tally = { refused: 0, faults: [] as string[] };
  const figures = { acknowledged: 0, refused: 0, COMPLETED: 0, 'ERROR, the disk was full': 0 };
  const filler = join(dir, 'filler');
  for (let round = 0; round < kFillers; round++) {
    const ids: string[] = [];
    for (let i = 0; i < kUploads; i++) {
      if (i === 5) fillUp(filler);
      const id = await submit(server, image, tally);
      if (id !== undefined) ids.push(id);
    }
    await truncate(filler, 0);
    for (const id of ids) {
      const { phase, error } = await server.until(id, 'COMPLETED', 'ERROR');
      if (phase === 'COMPLETED') figures.COMPLETED += 1;
      else if (/disk is full|no space/i.test(error)) figures['ERROR, the disk was full'] += 1;
      else tally.faults.push(`${id} is in ERROR: ${error}`);
      const { status } = await server.send(`/jobs/${id}`, { method: 'DELETE' });
      if (status !== 303) tally.faults.push(`DELETE: ${status}`);
    }
    figures.acknowledged += ids.length;
    const again = await server.submit({}, image);
    await server.until(again, 'COMPLETED');
    await server.send(`/jobs/${again}`, { method: 'DELETE' });
  }
  if ((await server.stop()) !== 0) tally.faults.push('the server did not end well');
  const left = await readdir(join(dir, 'jobs'));
  if (left.length > 0) tally.faults.push(`left: ${left.join()}`);
  if (tally.refused === 0) tally.faults.push('the disk was never full');
  return { figures: { ...figures, refused: tally.refused }, faults: tally.faults };
};

/** A start there is refused in one line, and afterwards everything is as it was. */
export const readOnly: Scene = async (t) => {
  const dir = mounted(t, 'size=64m');
  if (dir === undefined) return kSkipped;
  const faults: string[] = [];
  const env = { CIANNA_OTF_STORAGE_RESERVE_MB: '2' };
  const server = await startTestServer(t, { dataDir: dir, env });
  const id = await server.submit({}, await field(await tempDir(t), 300, 1));
  await server.until(id, 'COMPLETED');
  const rows = await server.text(`/jobs/${id}/results/csv`);
  await server.stop();
  const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, dir]);
  remount('ro');
  const args = [kProgram, 'serve', '--port', '0', '--data-dir', dir];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 1 || !/^cianna-otf: [^\n]*read-only[^\n]*\n$/.test(stderr)) faults.push(`${status}: ${stderr}`);
  remount('rw');
  const again = await startTestServer(t, { dataDir: dir, env });
  if ((await again.text(`/jobs/${id}/results/csv`)) !== rows) faults.push('the catalogue is another one');
  await again.stop();
  return { figures: { said: stderr.trim() }, faults };
};

const kDamaged = 60;

/** Whatever byte of whatever file of a job changes: nobody is given the file as if it were right. */
export const damage: Scene = async (t, { seed }) => {
  const next = random(seed);
  const dataDir = await tempDir(t);
  const server = await startTestServer(t, { dataDir });
  const id = await server.submit({}, await field(dataDir, 300, 1));
  const { xml } = await server.until(id, 'COMPLETED');
  const ids = [...xml.matchAll(/<uws:result id="([^"]+)"/g)].map(([, name]) => `results/${name}`);
  const addresses = [...ids, 'results/csv', 'results/fits', 'results/json', 'parameters/IMAGE'];
  const get = async (address: string): Promise<Buffer | undefined> => {
    const answer = await server.send(`/jobs/${id}/${address}`);
    const body = await answer.arrayBuffer().catch(() => undefined);
    return answer.status === 200 && body ? Buffer.from(body) : undefined;
  };
  const right = new Map<string, Buffer>();
  for (const address of addresses) right.set(address, (await get(address)) ?? Buffer.alloc(0));
  const [dir, faults] = [join(dataDir, 'jobs', id), [] as string[]];
  const files = (await readdir(dir)).sort();
  let noticed = 0;
  for (let i = 0; i < kDamaged; i++) {
    const path = join(dir, files[i % files.length] ?? '');
    const whole = await readFile(path);
    const bytes = Buffer.from(whole);
    const at = Math.floor(next() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(next() * 8));
    await writeFile(path, bytes);
    let told = 0;
    for (const address of addresses) {
      const given = await get(address);
      if (given === undefined) told += 1;
      else if (!given.equals(right.get(address) ?? Buffer.alloc(0)))
        faults.push(`${address} is given with byte ${at} of ${path} changed`);
    }
    if (told > 0) noticed += 1;
    await writeFile(path, whole);
  }
  for (const address of addresses)
    if (!(await get(address))?.equals(right.get(address) ?? Buffer.alloc(0)))
      faults.push(`${address} is not given any more`);
  if (noticed === 0) faults.push('no damage was noticed');
  await server.stop();
  return { figures: { 'bytes changed': kDamaged, noticed, files: files.length }, faults };
};
