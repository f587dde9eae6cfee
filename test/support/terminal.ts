/** A terminal that a test types into and looks at: tmux, with a server of its own. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { missingProgram } from './cli.js';
import { atEnd } from './endings.js';
import { pause, tempDir } from './server.js';

export const kNoTmux = missingProgram('tmux', ['-V'], 'tmux');

const kLookMs = 100;
/** Far above what anything takes: one that never comes is a failure. */
const kPatienceMs = 60_000;

export class Terminal {
  readonly #name = `otf-${randomBytes(4).toString('hex')}`;
  readonly #env: NodeJS.ProcessEnv;

  /** `env`: beside that of this process. */
  constructor(t: TestContext, folder: string, env: Record<string, string>, columns = 80, rows = 24) {
    const inherited = { ...process.env };
    // Of a tmux that the tests run in, and what decides of colours.
    for (const name of ['TMUX', 'NO_COLOR', 'FORCE_COLOR', 'CI']) delete inherited[name];
    this.#env = { ...inherited, ...env, TMUX_TMPDIR: folder, LC_ALL: 'C.UTF-8' };
    const size = ['-x', String(columns), '-y', String(rows)];
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-s', this.#name, ...size, '-c', folder, 'sh');
    // By its process id: its socket lies in a folder that may have been removed before.
    const server = Number(this.state('pid'));
    atEnd(t, () => process.kill(server, 'SIGTERM'));
  }

  #tmux(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync('tmux', ['-u', ...args], { env: this.#env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  }

  /** Names of keys as tmux has them: Enter, Escape, Up. */
  press(...keys: string[]): void {
    this.#tmux('send-keys', '-t', this.#name, ...keys);
  }

  type(text: string): void {
    this.#tmux('send-keys', '-t', this.#name, '-l', text);
  }

  screen(colours = false): string {
    return this.#tmux('capture-pane', '-p', '-t', this.#name, ...(colours ? ['-e'] : []));
  }

  /** A format of tmux, e.g. alternate_on. */
  state(name: string): string {
    return this.#tmux('display-message', '-p', '-t', this.#name, `#{${name}}`).trim();
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-t', this.#name, '-x', String(columns), '-y', String(rows));
  }

  /** Looks until the screen is as wanted; gives it. */
  async until(wanted: RegExp | ((screen: string) => boolean)): Promise<string> {
    const end = Date.now() + kPatienceMs;
    for (;;) {
      const screen = this.screen();
      if (wanted instanceof RegExp ? wanted.test(screen) : wanted(screen)) return screen;
      if (Date.now() > end) throw new Error(`the screen never showed ${wanted}:\n${screen}`);
      await pause(kLookMs);
    }
  }
}

export { tempDir };
