/** `npm run soak -- --seconds N [--seed S]`: kills, aborts, deletions and reads at once, and what must hold afterwards. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/test/soak/main.js', import.meta.url));
const { status } = spawnSync(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
