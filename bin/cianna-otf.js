#!/usr/bin/env node
// The command. Everything is in dist/, compiled from src/ by `npm run build`.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('cianna-otf: not built yet: run `npm run setup` in the folder of the program first');
  process.exit(1);
}
const { run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
