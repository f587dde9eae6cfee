/**
 * `bench score`: the challenge's scorer on catalogues as large as those of the published model and the challenge's truth at
 * 560 MHz, of random sources: reading, matching and scoring, in a fresh process.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { print } from '#otf/cli/table.js';
import type { Sdc1Request } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { writeFileAtomically } from '#otf/io/write.js';
import { conditions, printConditions } from './conditions.js';
import type { ScoreCase } from './score-case.js';

interface BenchScoreOptions {
  submission: number;
  truth: number;
  rounds: number;
  json?: boolean;
}

/** Numbers from 0 to 1 (xorshift32): the same every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Rows of the challenge, in an area of its size and outside its training area. `near`: every row near one of the truth. */
function* rows(count: number, seed: number, truth: number, near: boolean): Generator<string> {
  const draw = random(seed);
  const kRowsPerPiece = 2000;
  for (let first = 0; first < count; first += kRowsPerPiece) {
    const lines: string[] = [];
    for (let row = first; row < Math.min(first + kRowsPerPiece, count); row += 1) {
      // The truth's place is a function of its row, so that a submission can be near it without keeping it.
      const of = near ? Math.floor((row * truth) / count) : row;
      const place = random((Math.imul(of, 2654435761) >>> 0) | 1);
      place();
      const shift = () => (near ? (draw() - 0.5) / 3600 : 0);
      const ra = (0.1 + 5.4 * place() + shift()).toFixed(8);
      const dec = (-32.7 + 5.4 * place() + shift()).toFixed(8);
      const flux = (10 ** (-6 - 2 * place()) * (near ? 0.9 + 0.2 * draw() : 1)).toExponential(6);
      const major = (0.3 + 2 * place()).toFixed(4);
      const minor = (0.3 + place()).toFixed(4);
      lines.push(
        `${row} ${ra} ${dec} ${ra} ${dec} ${flux} 0.0375 ${major} ${minor} ${(360 * draw()).toFixed(3)} 2 3\n`,
      );
    }
    yield lines.join('');
  }
}

export async function benchScore(options: BenchScoreOptions): Promise<void> {
  const before = await conditions();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  try {
    const submission = join(folder, 'submission.txt');
    const truth = join(folder, 'truth.txt');
    await writeFileAtomically(truth, rows(options.truth, 1, options.truth, false));
    await writeFileAtomically(submission, rows(options.submission, 2, options.truth, true));
    const request: Sdc1Request = { submission, truth, mhz: 560, train: false, centroids: false, threads: 0 };
    const rounds: ScoreCase[] = [];
    for (let round = 0; round < options.rounds; round += 1) rounds.push(await inFreshProcess(request));
    if (options.json) return print(JSON.stringify({ conditions: before, ...options, rounds }, null, 2));
    printConditions(before);
    print(`${options.submission} rows against ${options.truth}`);
    for (const { seconds, cpuSeconds, peakRssBytes, matches } of rounds)
      print(
        `${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} CPU s), ${(peakRssBytes / 2 ** 30).toFixed(2)} GiB at most, ${matches} matches`,
      );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inFreshProcess(request: Sdc1Request): Promise<ScoreCase> {
  const program = fileURLToPath(new URL('./score-case.js', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(request)]);
    return JSON.parse(stdout) as ScoreCase;
  } catch (thrown) {
    const said = (thrown as { stderr?: string }).stderr?.trim().split('\n')[0];
    throw new OtfError('OTF_INTERNAL', `the benchmark's process failed: ${said || (thrown as Error).message}`);
  }
}
