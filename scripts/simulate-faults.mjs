/** `npm run simulate-faults -- [--seeds N] [--from S] [--pictures N] [--say]`: histories of a whole server (test/simulation). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/test/simulation/main.js', import.meta.url));
const { status } = spawnSync(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
