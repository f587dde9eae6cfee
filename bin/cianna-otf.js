#!/usr/bin/env node
// The command. Everything is in dist/, compiled from src/ by `npm run build`.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);

function cannotBegin(reason) {
  console.error(`cianna-otf: ${reason}: run \`npm run setup\` in the folder of the program first`);
  process.exit(1);
}

async function loaded() {
  try {
    return await import(main.href);
  } catch (thrown) {
    if (process.env.OTF_DEBUG) console.error(thrown);
    return cannotBegin(`cannot be loaded: ${String(thrown?.message ?? thrown).split('\n')[0]}`);
  }
}

if (!existsSync(main)) cannotBegin('not built yet');
const { run } = await loaded();
process.exitCode = await run(process.argv.slice(2));
