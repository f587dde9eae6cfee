// Programs and shared libraries (ELF): what they need, and what of the machine goes with them.
import { open, realpath } from 'node:fs/promises';
import { fail, output } from '../setup/step.mjs';

/** Parts of glibc: they belong to the kernel and the loader of a machine, and are never taken to another. */
const kGlibc = /^(ld-linux-x86-64|lib(c|m|dl|rt|pthread|resolv|anl|util))\.so/;
/** Of the NVIDIA driver, which only a machine with a GPU has; loaded there by name. */
const kDriver = /^lib(cuda|nvidia)/;
/** Where our programs and libraries look before anywhere else (CMakeLists.txt). */
const kOwnFolder = '$ORIGIN/lib';

export async function isElf(file) {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === '\x7fELF';
  } finally {
    await handle.close();
  }
}

/** Libraries that `files` need, however deep, without glibc: name -> file. */
export async function librariesOf(files) {
  const found = new Map();
  for (const file of files) {
    for (const line of (await output('ldd', file)).split('\n')) {
      const [, name, path] = /^\s*(\S+) => (\S+)/.exec(line) ?? [];
      if (name === undefined || kGlibc.test(name) || kDriver.test(name)) continue;
      if (path === 'not') fail(`${file} needs ${name}, which is not here`);
      found.set(name, await realpath(path));
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Where a file tells the loader to look; undefined: nowhere of its own. */
async function searched(file) {
  return /\((?:RPATH|RUNPATH)\).*\[(.*)\]/.exec(await output('readelf', '-d', file))?.[1];
}

/** Ours look beside them, with all that they load; what is of others says nothing, or libraries of the machine came first. */
export async function requirePlaces(own, libraries) {
  for (const file of own)
    if ((await searched(file)) !== kOwnFolder) fail(`${file} does not look for its libraries in ${kOwnFolder}`);
  for (const file of libraries)
    if ((await searched(file)) !== undefined) fail(`${file} looks for its libraries in a place of its own`);
}

/** The highest version of glibc that a symbol of `files` asks for, e.g. 2.36. */
export async function oldestGlibc(files) {
  let highest = 0;
  for (const file of files)
    for (const [, minor] of (await output('readelf', '-V', '-W', file)).matchAll(/\bGLIBC_2\.(\d+)/g))
      highest = Math.max(highest, Number(minor));
  return `2.${highest}`;
}
