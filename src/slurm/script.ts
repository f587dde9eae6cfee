/** The scripts that sbatch is given: this program, or its Apptainer image, in place of the shell, so that it gets the signals. */

/** How the program is started on a node. */
export interface Launch {
  /** As it was started here: node, its options, and the program's file. */
  command: readonly string[];
  /** Instead: an Apptainer image (deploy/container/cianna-otf.def), and folders it has to see. */
  image?: string | undefined;
  binds: readonly string[];
  /** Of the program, for the run. */
  env: Readonly<Record<string, string>>;
}

export function batchScript({ command, image, binds, env }: Launch, args: readonly string[]): string {
  const settings = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`);
  // --nv: the driver's libraries where there is a GPU, a warning where there is none.
  const inside = image === undefined ? command : ['apptainer', 'run', '--nv', ...binds.flatMap(bind), image];
  return ['#!/bin/sh', ...settings, `exec ${[...inside, ...args].map(argument).join(' ')}`, ''].join('\n');
}

function bind(folder: string): string[] {
  return ['--bind', folder];
}

/** Of a batch system a variable, everything else as it is. */
function argument(text: string): string {
  return kVariable.test(text) ? `"${text}"` : quoted(text);
}

/** otf-${SLURM_JOB_ID} and such, which we alone write. */
const kVariable = /^[a-z-]*(?:\$\{SLURM_[A-Z_]+(?::-[a-z0-9]+)?\}[a-z-]*)+$/;

/** POSIX shell, 2.2.2. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
