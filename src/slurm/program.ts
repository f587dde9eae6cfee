/** Slurm's own programs, as this machine has them. Texts are arguments, never words of a shell. */
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { OtfError } from '../errors/catalogue.js';
import { parseQueue, type SlurmJob } from './queue.js';

const kMostBytes = 1 << 28;
const kPatienceMs = 60_000;

export class Slurm {
  /** Jobs of this user. Throws OTF_SERVER_UNREACHABLE while the controller cannot be asked; OTF_SERVER_ANSWER. */
  async queue(): Promise<SlurmJob[]> {
    // Older ones give everybody's jobs, in every state, whatever they are asked for.
    return parseQueue(await this.#run('squeue', ['--json', '--states=all', `--user=${userInfo().username}`]));
  }

  /** The id. Throws OTF_USAGE with what sbatch says of its arguments, OTF_SERVER_UNREACHABLE. */
  async submit(args: readonly string[], script: string): Promise<string> {
    const said = await this.#run('sbatch', ['--parsable', ...args], script);
    const id = /^(\d+)(?:;.*)?$/m.exec(said.trim())?.[1];
    if (id === undefined)
      throw new OtfError('OTF_SERVER_ANSWER', `sbatch answers ${JSON.stringify(said.slice(0, 200))}`);
    return id;
  }

  /** Ids that are gone already are none. Throws OTF_SERVER_UNREACHABLE. */
  async cancel(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#run('scancel', ['--quiet', ...ids]);
  }

  #run(program: string, args: readonly string[], input?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { maxBuffer: kMostBytes, timeout: kPatienceMs, encoding: 'utf8' } as const;
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (!error) resolve(stdout);
        else reject(failure(program, error, stderr));
      });
      // A program that ends without reading has said why.
      child.stdin?.on('error', () => undefined).end(input ?? '');
    });
  }
}

const kAway =
  /unable to contact|connect failure|connection refused|timed out|communication|try again|socket|slurmctld/i;

function failure(program: string, error: Error & { code?: unknown; killed?: boolean }, stderr: string): OtfError {
  if (error.code === 'ENOENT') {
    return new OtfError(
      'OTF_USAGE',
      `${program} is not here: install Slurm's commands (slurm-client) where this is run`,
    );
  }
  const said =
    stderr
      .trim()
      .split('\n')
      .pop()
      ?.replace(/^\w+: (error: )?/, '') ?? '';
  if (error.killed || kAway.test(stderr)) {
    return new OtfError('OTF_SERVER_UNREACHABLE', `${program}: ${said || 'no answer'}`);
  }
  return new OtfError('OTF_USAGE', `${program}: ${said || error.message}`);
}
