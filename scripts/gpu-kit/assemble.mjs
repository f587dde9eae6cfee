// Puts a kit together from what is built: programs, the libraries they need, networks, run.sh.
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { capture, fail, kRoot } from '../setup/step.mjs';

const kPrograms = 'build/Release';
/** Part of every glibc system, or of the driver. */
const kOfTheMachine = /^(ld-linux|libc|libm|libdl|librt|libpthread|libresolv|libcuda|libnvidia)[.-]/;
/** Too large to travel: with PyTorch or a CUDA toolkit they are on a GPU machine. */
const kLookedFor = /^lib(cublas|cublasLt|curand|cufft|cudnn)\.so/;
/** Taken only where the machine has none: a library of the machine may need a newer one. */
const kSpare = /^lib(stdc\+\+|gcc_s)\.so/;
const kMostBytes = 60e6;

/** Each shared library that `files` need, however deep: its name, and the file here. */
async function librariesOf(files) {
  const found = new Map();
  for (const file of files) {
    const { code, output } = await capture('ldd', [file]);
    if (code !== 0) fail(`ldd cannot tell what ${file} needs`);
    for (const line of output.split('\n')) {
      const [, name, path] = /^\s*(\S+) => (\S+)/.exec(line) ?? [];
      if (name === undefined || kOfTheMachine.test(name)) continue;
      if (path === 'not') fail(`${file} needs ${name}, which is not here`);
      found.set(name, path);
    }
  }
  return found;
}

async function copyNetworks(from, folder) {
  const names = (await readdir(from)).filter((name) => /\.(dat|json|npy)$/.test(name));
  if (!names.some((name) => name.endsWith('.dat'))) fail(`there is no network in ${from}`);
  await mkdir(join(folder, 'networks'));
  for (const name of names) await copyFile(join(from, name), join(folder, 'networks', name));
}

async function bytesOf(folder) {
  const files = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** @param {{folder: string, networks: string, about: Record<string, string>}} kit @returns what is in it, in words */
export async function assemble({ folder, networks, about }) {
  // Only what an earlier kit was is replaced.
  if (existsSync(folder) && !existsSync(join(folder, 'run.sh')) && (await readdir(folder)).length > 0)
    fail(`${folder} is not empty, and no kit`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'bin'), { recursive: true });
  const bridges = (await readdir(join(kRoot, kPrograms))).filter((name) => /^libotf_.*\.so$/.test(name));
  const limits = existsSync(join(kRoot, kPrograms, 'otf-gpu-limits')) ? ['otf-gpu-limits'] : [];
  const programs = ['otf-engine', 'otf-kit', ...limits, ...bridges];
  for (const name of programs) {
    await copyFile(join(kRoot, kPrograms, name), join(folder, 'bin', name));
    const { code, errors } = await capture('strip', [join(folder, 'bin', name)]);
    if (code !== 0) fail(`strip: ${errors.trim()}`);
  }
  const libraries = [...(await librariesOf(programs.map((name) => join(kRoot, kPrograms, name))))];
  const carried = libraries.filter(([name]) => !kLookedFor.test(name));
  for (const place of ['lib', 'spare']) await mkdir(join(folder, place));
  for (const [name, path] of carried)
    await copyFile(await realpath(path), join(folder, kSpare.test(name) ? 'spare' : 'lib', name));
  const { code, errors } = await capture('tar', [
    '-C',
    folder,
    '-czf',
    join(folder, 'programs.tar.gz'),
    'bin',
    'lib',
    'spare',
  ]);
  if (code !== 0) fail(`tar: ${errors.trim()}`);
  for (const place of ['bin', 'lib', 'spare']) await rm(join(folder, place), { recursive: true });
  const looked = libraries.map(([name]) => name).filter((name) => kLookedFor.test(name));
  await writeFile(join(folder, 'needs.txt'), looked.map((name) => `${name}\n`).join(''));
  await writeFile(join(folder, 'about.json'), `${JSON.stringify({ step: 'kit', ...about })}\n`);
  await copyFile(join(kRoot, 'scripts/gpu-kit/run.sh'), join(folder, 'run.sh'));
  await chmod(join(folder, 'run.sh'), 0o755);
  await copyNetworks(networks, folder);
  const bytes = await bytesOf(folder);
  if (bytes > kMostBytes) fail(`the kit has ${(bytes / 1e6).toFixed(1)} MB, more than ${kMostBytes / 1e6}`);
  const names = programs.map((name) => basename(name)).join(', ');
  return `${folder}: ${(bytes / 1e6).toFixed(1)} MB: ${names}; the machine has to have ${looked.join(', ') || 'no library'}`;
}
