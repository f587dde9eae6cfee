/** What must hold after a soak: nothing lost, nothing done twice, rows and folders in pairs, a server that has not grown. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pause, type TestServer } from '../support/server.js';
import type { Ledger } from './ledger.js';
import type { Sample } from './soak.js';

export interface Verdict {
  faults: string[];
  summary: string;
}

/** What may be there in the end and was not in the beginning: sockets of clients that are kept open. */
const kDescriptorSlack = 24;
/** Growth within the second half of the watch; below that many samples the heap has not settled. */
const kGrowthMb = 40;
const kSettledSamples = 200;

export async function judge(server: TestServer, ledger: Ledger, samples: Sample[]): Promise<Verdict> {
  await settle(server, ledger);
  let lost = 0;
  for (const [id, entry] of ledger.jobs) {
    const answer = await server.send(`/jobs/${id}`, { headers: { accept: 'application/xml' } });
    const text = await answer.text();
    if (answer.status === 200) {
      ledger.seen(id, text);
      const phase = /<uws:phase>(\w+)</.exec(text)?.[1] ?? '';
      if (!entry.pending && ['PENDING', 'QUEUED', 'EXECUTING'].includes(phase)) ledger.fault(`${id} stays ${phase}`);
    } else if (answer.status !== 404) ledger.fault(`${id}: ${answer.status}`);
    else if (!entry.mortal && !entry.maybeDeleted) lost++;
  }
  if (lost > 0) ledger.fault(`${lost} jobs are lost`);
  const growth = grown(samples, ledger);
  const rows = await rowsOf(server);
  if ((await server.stop()) !== 0) ledger.fault('the server did not end well');
  const folders = await foldersOf(server, rows, ledger);
  return { faults: ledger.faults, summary: `${ledger.line()}; lost ${lost}; ${folders}; ${growth}` };
}

/** Until everything that runs is over. */
async function settle(server: TestServer, ledger: Ledger): Promise<void> {
  const end = Date.now() + 120_000;
  for (;;) {
    const text = await server.text('/jobs?PHASE=QUEUED&PHASE=EXECUTING');
    if (!text.includes('<uws:jobref')) return;
    if (Date.now() > end) return ledger.fault('jobs do not come to an end');
    await pause(200);
  }
}

async function rowsOf(server: TestServer): Promise<Set<string>> {
  const rows = new Set<string>();
  for (let after = '1970-01-01T00:00:00Z'; ; ) {
    const text = await server.text(`/jobs?AFTER=${after}`);
    const page = [...text.matchAll(/<uws:jobref id="(\w+)".*?<uws:creationTime>([^<]+)</g)];
    for (const [, id = ''] of page) rows.add(id);
    const last = page.at(-1)?.[2];
    if (last === undefined) return rows;
    after = last;
  }
}

async function foldersOf(server: TestServer, rows: Set<string>, ledger: Ledger): Promise<string> {
  const names = new Set(await readdir(join(server.dataDir, 'jobs')));
  const [trash, orphans] = await Promise.all(['trash', 'orphans'].map((dir) => readdir(join(server.dataDir, dir))));
  const mortal = (id: string) => ledger.jobs.get(id)?.mortal === true;
  const alone = [...names].filter((name) => !rows.has(name));
  // Between the list and the end of the server a time may have come.
  const without = [...rows].filter((id) => !names.has(id) && !mortal(id));
  if (alone.length > 0) ledger.fault(`folders without a row: ${alone.slice(0, 5).join(' ')} (${alone.length})`);
  if (without.length > 0) ledger.fault(`rows without a folder: ${without.slice(0, 5).join(' ')} (${without.length})`);
  if ((trash?.length ?? 0) > 0) ledger.fault(`${trash?.length} folders stay in the trash`);
  return `${rows.size} rows, ${names.size} folders, ${orphans?.length} put aside`;
}

function grown(samples: Sample[], ledger: Ledger): string {
  const median = (part: Sample[], of: (sample: Sample) => number) =>
    part.map(of).sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0;
  const quarter = Math.floor(samples.length / 4);
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(3 * quarter);
  const [fewer, more] = [median(early, (it) => it.descriptors), median(late, (it) => it.descriptors)];
  const [before, after] = [median(early, (it) => it.rssMb), median(late, (it) => it.rssMb)];
  if (more > fewer + kDescriptorSlack) ledger.fault(`descriptors grow: ${fewer} -> ${more}`);
  if (samples.length >= kSettledSamples && after > before + kGrowthMb) {
    ledger.fault(`memory grows: ${before.toFixed(0)} -> ${after.toFixed(0)} MB`);
  }
  return `descriptors ${fewer} -> ${more}, memory ${before.toFixed(0)} -> ${after.toFixed(0)} MB`;
}
