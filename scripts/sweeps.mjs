/** `npm run sweeps [-- --most N]`: every write, sync and allocation of a small job fails once (test/sweeps). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/test/sweeps/main.js', import.meta.url));
const { status } = spawnSync(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
