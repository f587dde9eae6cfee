// `npm run bench -- NAME...`: set-up, then the benchmarks. A suite of bench/ has its own name (results); everything else is
// the command's own: `npm run bench -- engine --quantization BF16`, `npm run bench -- detect`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { setUp } from './setup.mjs';

const [name, ...rest] = process.argv.slice(2);
if (name === undefined) {
  const suites = readdirSync('bench').flatMap((file) => (file.endsWith('.ts') ? [file.replace(/\.ts$/, '')] : []));
  console.error(`which benchmark? engine, detect, server, http, ${suites.join(', ')}`);
  process.exit(2);
}
await setUp({});
const suite = `bench/${name}.ts`;
const args =
  /^[a-z]+$/.test(name) && existsSync(suite) ? [`dist/bench/${name}.js`] : ['bin/cianna-otf.js', 'bench', name];
const { status } = spawnSync(process.execPath, [...args, ...rest], { stdio: 'inherit' });
process.exit(status ?? 1);
