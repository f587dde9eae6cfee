// Step 0: can this program work here at all? Said in one line before anything is installed.
import { fail } from './step.mjs';

/** The HTTP library (uWebSockets.js) has a binary per Node version; those for 22 and 24 were built for glibc 2.38. */
const kGlibcOf = { 20: '2.27', 22: '2.38', 24: '2.38' };

function older(a, b) {
  return a.localeCompare(b, 'en', { numeric: true }) < 0;
}

/** Why not, with what to do; null: it can. `glibc` undefined: the C library is another one. */
export function obstacle({ platform, arch, node, glibc }) {
  if (platform !== 'linux' || arch !== 'x64') return `${platform} on ${arch}: only Linux on x86-64 is supported`;
  const [major, minor] = node.split('.').map(Number);
  const needed = kGlibcOf[major];
  if (needed === undefined || (major === 20 && minor < 17)) {
    return `Node ${node} is not supported: install Node 24, 22 or 20 (20.17 or later)`;
  }
  if (glibc === undefined)
    return 'the C library here is not glibc: use Debian, Ubuntu or another distribution with glibc';
  if (!older(glibc, needed)) return null;
  const here = older(glibc, kGlibcOf[20]) ? '' : 'install Node 20, or ';
  return `Node ${major} needs glibc ${needed} and this machine has ${glibc}: ${here}use Debian 13, Ubuntu 24.04 or later`;
}

export function refuseImpossible() {
  process.report.excludeNetwork = true;
  const found = obstacle({
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    glibc: process.report.getReport().header.glibcVersionRuntime,
  });
  if (found !== null) fail(found);
}
