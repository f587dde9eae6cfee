// What a clean root takes over from this machine so that it can reach the same package registries: apt's mirror, keys and
// proxy, npm's registry, certificate authorities. Read here, written into the root, never into the checkout.
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, fail } from '../setup/step.mjs';

const kCertificates = '/etc/ssl/certs/ca-certificates.crt';
/** Where the certificates lie in the root: a name no package owns. */
const kCertificatesInside = '/etc/ssl/machine-ca.crt';
const kNpmKeys = ['registry', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];
const kProxies = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

async function ownCodename() {
  return /^VERSION_CODENAME=(\w+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
}

async function indexTargets() {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const { output } = await capture('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  return output.split('\n').map((line) => line.split(' '));
}

/** The mirror this machine's own apt takes Debian from. */
async function mirrorOf(release) {
  const find = async () =>
    (await indexTargets()).find(([, name, component]) => name === release && component === 'main')?.[0];
  return (await find())?.replace(/\/$/, '');
}

/** `[uri, release]` of a suite: the main one first, then its updates and security fixes where this machine takes its own. */
export async function aptSources(suite) {
  const own = await ownCodename();
  const asked = process.env.DEBIAN_MIRROR;
  if (asked !== undefined) return [[asked, suite]];
  if ((await mirrorOf(own)) === undefined) await capture('apt-get', ['update']);
  const sources = [];
  for (const kind of ['', '-updates', '-security']) {
    const uri = await mirrorOf(`${own}${kind}`);
    if (uri !== undefined) sources.push([uri, `${suite}${kind}`]);
  }
  const main = sources[0];
  if (main?.[1] !== suite || !['bookworm', 'trixie'].includes(own)) {
    fail('apt on this machine knows no Debian mirror: name one in DEBIAN_MIRROR');
  }
  return sources;
}

/** Every key apt trusts here, as one keyring: a mirror of one's own may sign with another key than Debian. */
export async function writeKeyring(target) {
  const folders = ['/usr/share/keyrings', '/etc/apt/keyrings', '/etc/apt/trusted.gpg.d'];
  const listed = await Promise.all(
    folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name))),
  );
  // The package's file of removed keys holds what is trusted no more.
  const files = listed.flat().filter((file) => /\.gpg$/.test(file) && !/removed/.test(file));
  await writeFile(target, Buffer.concat(await Promise.all(files.map((file) => readFile(file)))));
}

/** How apt gets at its mirrors, as lines of its own configuration. */
async function aptAccess() {
  const { output } = await capture('apt-config', ['dump']);
  return output.split('\n').filter((line) => /^Acquire::(https?|Retries)\b.*"[^"]+";$/i.test(line));
}

/** apt's proxies for programs that look into the environment. */
export async function aptProxies() {
  const proxies = (await aptAccess()).flatMap((line) => {
    const [, scheme, address] = /^Acquire::(https?)::Proxy "([^"]+)"/i.exec(line) ?? [];
    return scheme === undefined ? [] : [[`${scheme.toLowerCase()}_proxy`, address === 'DIRECT' ? '' : address]];
  });
  return Object.fromEntries(proxies);
}

async function aptConfiguration() {
  return [...(await aptAccess()), `Acquire::https::CaInfo "${kCertificatesInside}";`, ''].join('\n');
}

async function npmConfiguration() {
  const lines = [];
  for (const key of kNpmKeys) {
    const { output } = await capture('npm', ['config', 'get', key, '--location=user']);
    const value = output.trim();
    if (value !== '' && value !== 'null' && value !== 'undefined') lines.push(`${key}=${value}`);
  }
  lines.push(`cafile=${kCertificatesInside}`, 'update-notifier=false');
  return `${lines.join('\n')}\n`;
}

/** Before anything is installed into a root. */
export async function writeSettings(root, sources) {
  const keyring = '/usr/share/keyrings/machine.gpg';
  await writeKeyring(join(root, keyring));
  const lines = sources.map(([uri, release]) => `deb [signed-by=${keyring}] ${uri} ${release} main`);
  await writeFile(join(root, 'etc/apt/sources.list'), `${lines.join('\n')}\n`);
  await writeFile(join(root, 'etc/apt/apt.conf.d/90machine'), await aptConfiguration());
  await cp(kCertificates, join(root, kCertificatesInside));
  await mkdir(join(root, 'root'), { recursive: true });
  await writeFile(join(root, 'root/.npmrc'), await npmConfiguration());
}

/** Names and certificates change more often than a base root is made. */
export async function refreshSettings(root) {
  // Nothing that is installed starts a service (Debian Policy, 9.3.3): it would listen on this machine.
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  for (const file of ['/etc/resolv.conf', '/etc/hosts']) await cp(file, join(root, file), { dereference: true });
  await cp(kCertificates, join(root, kCertificatesInside));
  await writeFile(join(root, 'root/.npmrc'), await npmConfiguration());
}

/** The whole environment of a command in the root: nothing of this machine's but the ways to the network and what CI says. */
export function environment() {
  const passed = [...kProxies, 'CI', 'TERM', 'CMAKE_BUILD_PARALLEL_LEVEL', 'OTF_WERROR'];
  const own = Object.fromEntries(passed.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    USER: 'root',
    LANG: 'C.UTF-8',
    NODE_EXTRA_CA_CERTS: kCertificatesInside,
    DEBIAN_FRONTEND: 'noninteractive',
    ...own,
  };
}
