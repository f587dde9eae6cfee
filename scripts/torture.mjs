/** `npm run torture [-- --tasks N] [--seconds S] [--only SCENES]`: what a real server comes through (test/torture). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/test/torture/main.js', import.meta.url));
const { status } = spawnSync(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
