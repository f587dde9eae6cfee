/** Small tasks of several kinds and models, with the one catalogue each of them has. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { kProgram, kRoot } from '../support/cli.js';
import { field, type ServerOptions, startTestServer, type TestServer, tempDir } from '../support/server.js';
import { statisticsModels, statisticsProgram } from '../support/statistics.js';

export interface Work {
  name: string;
  fields: Record<string, string>;
  files: Record<string, Buffer>;
  /** Of all tasks; they add up to 1. */
  share: number;
  /** As CSV, from a server to which nothing happens. */
  rows: string;
}

type Kind = Omit<Work, 'rows'>;

export interface Repertoire {
  works: Work[];
  /** Of the servers that know all of them. */
  options: ServerOptions;
}

function cube(dir: string): Record<string, Buffer> {
  const sky = ['--transients', '1', '--steady', '1', '--separation', '6', '--sigma-over-peak', '0.1'];
  const array = ['--array', join(kRoot, 'models/demo-transients/array.enu'), '--latitude', '-30.713'];
  const of = ['--seed', '3', '--size', '32', '--frames', '16'];
  execFileSync(process.execPath, [kProgram, 'simulate', '--cube', '-o', join(dir, 'cube'), ...of, ...sky, ...array]);
  const read = (name: string) => readFileSync(join(dir, 'cube', name));
  return { IMAGE: read('dirty.fits'), PSF: read('psf.fits') };
}

export function submitted(
  server: TestServer,
  { fields, files }: Kind,
  more: Record<string, string>,
): Promise<Response> {
  const body = new FormData();
  for (const [name, value] of Object.entries({ PHASE: 'RUN', ...fields, ...more }))
    if (value !== '') body.append(name, value);
  for (const [name, bytes] of Object.entries(files))
    body.append(name, new Blob([new Uint8Array(bytes)]), `${name.toLowerCase()}.fits`);
  return server.send('/jobs', { method: 'POST', body });
}

export function idOf(answer: Response): string {
  return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
}

export async function repertoire(t: TestContext, env: Record<string, string>): Promise<Repertoire> {
  const dir = await tempDir(t);
  const [small, larger] = [await field(dir, 200, 1), await field(dir, 500, 2)];
  const kinds: Kind[] = [
    { name: 'detection', fields: { MODEL: 'demo-continuum' }, files: { IMAGE: small }, share: 0.45 },
    { name: 'detection, larger', fields: { MODEL: 'demo-continuum' }, files: { IMAGE: larger }, share: 0.2 },
    { name: 'statistics', fields: { MODEL: 'pixels', CLIP: '1e-6' }, files: { IMAGE: small }, share: 0.3 },
    { name: 'reconstruction', fields: { MODEL: 'demo-transients', THRESHOLD: '8' }, files: cube(dir), share: 0.05 },
  ];
  const models = await statisticsModels(t);
  await symlink(join(kRoot, 'models/demo-transients'), join(models, 'demo-transients'));
  const options = { root: await statisticsProgram(t), models, env };
  const server = await startTestServer(t, options);
  const works: Work[] = [];
  for (const kind of kinds) {
    const answer = await submitted(server, kind, {});
    if (answer.status !== 303) throw new Error(`${kind.name}: ${answer.status} ${await answer.text()}`);
    const { id } = await server.until(idOf(answer), 'COMPLETED');
    works.push({ ...kind, rows: await server.text(`/jobs/${id}/results/csv`) });
  }
  await server.stop();
  return { works, options };
}

/** `draw` in [0, 1). */
export function pickWork(works: readonly Work[], draw: number): Work {
  let rest = draw;
  for (const work of works) {
    rest -= work.share;
    if (rest < 0) return work;
  }
  return works.at(-1) as Work;
}
