// Commands in a root, in mount and process namespaces of their own. They end with the command, however it ends; and the
// command ends with this program: setpriv and unshare have the kernel kill what they started when their parent dies.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { capture } from '../setup/step.mjs';
import { environment } from './settings.mjs';

const kUnshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL'];
const kInside = fileURLToPath(new URL('inside.sh', import.meta.url));
const kSignals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export async function canIsolate() {
  const [command, ...args] = kUnshare;
  return (await capture(command, [...args, 'true'])).code === 0;
}

/** A signal ends this program as exit() does, so that it cleans up. */
export function endOnSignals() {
  for (const [signal, code] of Object.entries(kSignals)) process.on(signal, () => process.exit(code));
}

/** Program and arguments that run `command` in `folder` of the root, with `mounts` ([from, to], read-only). */
export function insideCommand(root, { folder = '/', command, mounts = [] }) {
  const variables = Object.entries(environment()).map(([name, value]) => `${name}=${value}`);
  const inside = ['sh', kInside, root, folder, command, ...mounts.flat()];
  return ['env', ['-i', ...variables, 'setpriv', '--pdeathsig', 'KILL', ...kUnshare, ...inside]];
}

/** Exit code of what insideCommand() says, which talks to this terminal. A signal ends it, and is the exit code. */
export function runInside(root, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(...insideCommand(root, options), { stdio: 'inherit' });
    let signalled = 0;
    const stop = (signal) => {
      signalled = kSignals[signal];
      child.kill('SIGKILL');
    };
    // Instead of endOnSignals(), and for good: a second Ctrl-C must not end the removal of the root half-way.
    for (const signal of Object.keys(kSignals)) process.removeAllListeners(signal).on(signal, stop);
    child.on('error', reject);
    child.on('close', (code) => resolve(signalled || (code ?? 1)));
  });
}
