/** `npm run toil`: workflows/cwl by Debian's toil on a real Slurm, both on this machine. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/test/soak/toil.js', import.meta.url));
const { status } = spawnSync(process.execPath, ['--enable-source-maps', program], { stdio: 'inherit' });
process.exitCode = status ?? 1;
