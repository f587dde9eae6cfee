// `npm run bench -- NAME...`: set-up, then the command's own `bench`: `npm run bench -- engine --quantization BF16`.
import { spawnSync } from 'node:child_process';
import { setUp } from './setup.mjs';

await setUp({});
const { status } = spawnSync(process.execPath, ['bin/cianna-otf.js', 'bench', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
