/** Jobs that were submitted, until they have ended: one line each, and what they found and where it is at the end. */
import type { UwsClient } from '../client/client.js';
import type { RemoteJob } from '../client/documents.js';
import { printable } from '../io/terminal.js';
import { downloadAll, type Wanted } from './download.js';
import { LiveLines } from './live-lines.js';
import { type FoundRows, foundIn, foundText, isOver, phaseLine, shortId, timeText, untilEnd } from './remote.js';
import { bold, print } from './table.js';

export interface Submitted {
  image: string;
  id: string;
  /** What its files are called after. */
  stem: string;
  phase?: string;
  error?: string;
  found?: FoundRows;
  files?: string[];
}

export interface FollowOptions extends Wanted {
  output?: string | undefined;
  json?: boolean | undefined;
  untilMs: number | undefined;
}

/** Jobs end in about the order they came in: so many are looked at at a time. */
const kAtOnce = 4;

export async function followAll(client: UwsClient, jobs: readonly Submitted[], options: FollowOptions): Promise<void> {
  const live = new LiveLines();
  const lines = new Map<Submitted, string>();
  let ended = 0;
  const draw = () => live.show([...lines.values(), `${ended} of ${jobs.length} done`].slice(jobs.length > 1 ? 0 : -2));
  const say = (text: string) => {
    live.clear();
    if (!options.json) print(printable(text));
  };
  const width = Math.max(...jobs.map(({ image }) => nameOf(image).length));
  const waiting = jobs.values();
  const follow = async () => {
    for (const entry of waiting) {
      const head = `${nameOf(entry.image).padEnd(width)}  ${shortId(entry.id)}`;
      const seen = (job: RemoteJob) => {
        lines.set(entry, `${head}  ${phaseLine(job)}`);
        draw();
      };
      const job = await untilEnd(client, entry.id, options.untilMs, live.on ? seen : undefined);
      await end(client, job, entry, options);
      lines.delete(entry);
      ended++;
      say(`${head}  ${endLine(job, entry)}`);
      draw();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(kAtOnce, jobs.length) }, follow));
  } finally {
    live.clear();
  }
  if (!options.json) tellAll(jobs, options);
}

async function end(client: UwsClient, job: RemoteJob, entry: Submitted, options: FollowOptions): Promise<void> {
  entry.phase = job.phase;
  if (job.error !== undefined) entry.error = job.error;
  const found = foundIn(job);
  if (found) entry.found = found;
  if (options.output === undefined || job.phase !== 'COMPLETED') return;
  entry.files = await downloadAll(client, job, options.output, entry.stem, options);
}

/** COMPLETED  412 sources  3.20 s  out/a.vot */
function endLine(job: RemoteJob, { error, found, files = [] }: Submitted): string {
  const [file, ...more] = files;
  const where = file === undefined ? '' : `${file}${more.length > 0 ? ` and ${more.length} more` : ''}`;
  return [job.phase, error ?? foundText(found), timeText(job), where].filter(Boolean).join('  ');
}

function tellAll(jobs: readonly Submitted[], { output }: FollowOptions): void {
  const done = jobs.filter(({ phase }) => phase === 'COMPLETED');
  const [first] = done;
  if (!first) return;
  const counts = new Map<string, number>();
  for (const { found } of done) if (found) counts.set(found.rows, (counts.get(found.rows) ?? 0) + found.count);
  const found = [...counts].map(([rows, count]) => `${count} ${rows}`).join(', ');
  const where = output ?? `cianna-otf results ${done.length === 1 ? shortId(first.id) : 'ID'} -o DIR fetches them`;
  const several = `${done.length} of ${jobs.length} jobs completed${found === '' ? '' : `: ${found}`}`;
  if (jobs.length > 1) print(bold(several));
  if (jobs.length > 1 || output === undefined) print(`results: ${where}`);
}

export function nameOf(image: string): string {
  return image.split('/').filter(Boolean).pop() ?? image;
}

/** Those that are over and did not complete, and those that are not over. */
export function unfinished(jobs: readonly Submitted[]): { failed: Submitted[]; late: Submitted[] } {
  const followed = jobs.filter(({ phase }) => phase !== undefined);
  return {
    failed: followed.filter(({ phase }) => isOver(phase ?? '') && phase !== 'COMPLETED'),
    late: followed.filter(({ phase }) => !isOver(phase ?? '')),
  };
}
