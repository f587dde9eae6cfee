// `npm run gpu-kit [-- -o FOLDER] [--networks FOLDER]`: a folder to be copied to a machine with a GPU, Linux and a driver, and
// nothing else: `./run.sh` there says what every engine gives and costs on it. No GPU is needed here. The kit holds
//   programs.tar.gz   otf-engine, otf-kit, and otf-gpu-limits, the engine cuda and the CIANNA bridge where they are built
//                     (CIANNA_ROOT: third_party/README.md; CUDAToolkit_ROOT: a CUDA toolkit with cuBLAS), with the
//                     libraries they need; needs.txt: those that are taken from the machine
//   networks/         conformance networks with their inputs and outputs; that of the timing is made there
//   run.sh, about.json
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { assemble } from './gpu-kit/assemble.mjs';
import { buildKit } from './setup/native.mjs';
import { capture, kRoot, step } from './setup/step.mjs';
import { setUp } from './setup.mjs';

const { values } = parseArgs({
  options: {
    output: { type: 'string', short: 'o', default: 'build/gpu-kit' },
    networks: { type: 'string', default: join(kRoot, 'test/fixtures/networks') },
    'as-built': { type: 'boolean', default: false }, // what `npm test` has built
  },
});
const [folder, networks] = [resolve(values.output), resolve(values.networks)];

async function describe() {
  const { version } = JSON.parse(readFileSync(join(kRoot, 'package.json'), 'utf8'));
  const head = await capture('git', ['rev-parse', 'HEAD']);
  const changes = await capture('git', ['status', '--porcelain', '--untracked-files=no']);
  const commit = head.code === 0 ? `${head.output.trim()}${changes.output === '' ? '' : '-changed'}` : 'unknown';
  return { version, commit, built: new Date().toISOString() };
}

if (!values['as-built']) {
  await setUp({});
  await step('programs of the kit', buildKit);
}
process.chdir(kRoot);
console.log(await assemble({ folder, networks, about: await describe() }));
