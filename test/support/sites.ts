/** Sites that can be cut off: network namespaces on a bridge of this machine (ip-netns(8)). */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { atEnd } from './endings.js';

export interface Sites {
  /** Of this side, which the sites see. */
  address: string;
  /** Names of the namespaces. */
  names: string[];
  cut: (site: number) => void;
  join: (site: number) => void;
}

/** Undefined: it may be done here. */
export const kNoSites = mayNot();

/** By doing all of it once: a machine may allow namespaces and no bridge, or neither in a root of its own. */
function mayNot(): string | undefined {
  const undo: (() => void)[] = [];
  try {
    build({ after: (once) => undo.push(once) }, 1);
    return undefined;
  } catch (thrown) {
    const said = String((thrown as { stderr?: unknown }).stderr ?? thrown).trim();
    return `no network namespaces on a bridge here (root, iproute2): ${said}`;
  } finally {
    for (const once of undo) once();
  }
}

export function makeSites(t: TestContext, count: number): Sites {
  return build({ after: (once) => atEnd(t, once) }, count);
}

function build(t: { after: (once: () => void) => void }, count: number): Sites {
  // Names of interfaces have 15 characters at most. By chance: in a root of its own a process may have the number of one outside.
  const own = randomInt(65_536);
  const net = `10.${200 + (own >> 13)}.${(own >> 5) & 255}`;
  const [bridge, address] = [`otfb${own}`, `${net}.1`];
  const names = Array.from({ length: count }, (_, site) => `otfsite${own}-${site}`);
  const link = (site: number) => `otfv${own}-${site}`;
  t.after(() => {
    for (const [site, name] of names.entries()) {
      attempt('link', 'del', link(site));
      attempt('netns', 'del', name);
    }
    attempt('link', 'del', bridge);
  });
  ip('link', 'add', bridge, 'type', 'bridge');
  ip('addr', 'add', `${address}/24`, 'dev', bridge);
  ip('link', 'set', bridge, 'up');
  for (const [site, name] of names.entries()) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('link', 'add', link(site), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', link(site), 'master', bridge, 'up');
    ip('-n', name, 'addr', 'add', `${net}.${10 + site}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  }
  const set = (state: 'up' | 'down') => (site: number) => ip('link', 'set', link(site), state);
  return { address, names, cut: set('down'), join: set('up') };
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

function attempt(...args: string[]): void {
  try {
    ip(...args);
  } catch {
    // It was not made.
  }
}
