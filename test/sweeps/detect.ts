/** `detect`, again and again, and each time another write, sync or allocation fails: a catalogue that is right, or one line. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kFixtures, kProgram } from '../support/cli.js';
import { spread } from '../support/spread.js';
import { type Fault, type FaultKind, FaultState, inTurns } from './faults.js';

const kImage = join(kFixtures, 'detection/field-230x180/field.fits');
/** One is written by JavaScript, one by CFITSIO. */
const kFormats = ['csv', 'fits'] as const;
const kLimitMs = 300_000;

interface Ended {
  /** An exit code, or the signal it died of. */
  code: number | string;
  stderr: string;
  /** Names and bytes of what is in the folder of the results. */
  left: Map<string, Buffer>;
}

type Format = (typeof kFormats)[number];

function detect(state: FaultState, format: Format): Promise<Ended> {
  const out = join(state.folder, 'out');
  mkdirSync(out);
  const args = [kProgram, 'detect', kImage, '--format', format, '-o', join(out, 'found')];
  const env = { ...process.env, ...state.env };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: kLimitMs, killSignal: 'SIGKILL' }, (thrown, _stdout, stderr) => {
      const code = thrown === null ? 0 : (thrown.signal ?? Number(thrown.code));
      const left = new Map(readdirSync(out).map((name) => [name, readFileSync(join(out, name))]));
      resolve({ code, stderr, left });
    });
  });
}

/** Without the cards of a FITS file that tell when it was made. */
function timeless(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/(DATE {4}|CHECKSUM|DATASUM )= .{70}/g, ''), 'latin1');
}

/** What is wrong with an end; undefined: nothing. `right`: the catalogue of a run without faults. */
export function verdict({ code, stderr, left }: Ended, right: Buffer): string | undefined {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('cianna-otf: warning: '));
  if (code === 0) {
    if ([...left.keys()].join() !== 'found') return `it succeeded, and left ${[...left.keys()].join() || 'nothing'}`;
    const same = timeless(left.get('found') ?? Buffer.alloc(0)).equals(timeless(right));
    return same ? undefined : 'it succeeded with another catalogue';
  }
  if (typeof code === 'string') return `it died of ${code}: ${lines.at(-1) ?? ''}`;
  const [line = '', ...more] = lines;
  if (code !== 1 || more.length > 0 || !/^cianna-otf: .+/.test(line))
    return `exit code ${code}: ${lines.join(' | ').slice(0, 600)}`;
  if (line.includes('internal error')) return line;
  return left.size === 0 ? undefined : `it failed, and left ${[...left.keys()].join()}`;
}

/** `most`: of all points of a kind and format. What did not hold, a line each. */
export async function sweepDetect(
  scratch: string,
  kind: FaultKind,
  most: number,
  atOnce: number,
  say: (line: string) => void,
): Promise<string[]> {
  const faults: string[] = [];
  // Allocations are the same whatever is written afterwards.
  for (const format of kind === 'allocation' ? (['csv'] as const) : kFormats) {
    const counting = new FaultState(scratch, { kind, at: 0 });
    const whole = await detect(counting, format);
    const right = whole.left.get('found');
    if (whole.code !== 0 || right === undefined) return [`detect without a fault: ${whole.stderr}`];
    const { seen } = counting.counts;
    if (seen === 0) return [`detect: no ${kind} was seen: is ${counting.env.LD_PRELOAD} there?`];
    const points: Fault[] = spread(seen, most).map((at) => ({ kind, at }));
    if (kind === 'write') points.push({ kind, at: 1, lasting: true });
    say(`detect ${format}: ${points.length} of ${seen} points of kind ${kind}`);
    faults.push(
      ...(await inTurns(points, atOnce, async (fault) => {
        const state = new FaultState(scratch, fault);
        const ended = await detect(state, format);
        const wrong = verdict(ended, right);
        const { where } = state;
        state.remove();
        return (
          wrong &&
          `detect ${format}, ${fault.kind} ${fault.at}${fault.lasting ? ' and later' : ''} (${where}): ${wrong}`
        );
      })),
    );
  }
  return faults;
}
