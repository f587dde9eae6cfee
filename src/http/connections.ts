/**
 * How many are connected, and from where. Each connection takes a descriptor, and a request on it may take another: there
 * must be some left for the server's own work, and one address must not take all.
 */

import type { TemplatedApp } from 'uWebSockets.js';
import { readFileSync } from 'node:fs';
import { descriptorLimit } from '../io/descriptors.js';

export interface ConnectionLimits {
  all: number;
  ofAddress: number;
}

/** For the database, engines, workers and files of jobs. */
const kOwnDescriptors = 256;
const kPerConnection = 2;

/** What the configuration allows, as far as this process's descriptors go. `perAddress` 0 = half of all. */
export function connectionLimits(max: number, perAddress: number, descriptors = descriptorLimit()): ConnectionLimits {
  const all = Math.max(8, Math.min(max, Math.floor((descriptors - kOwnDescriptors) / kPerConnection)));
  return { all, ofAddress: Math.min(all, perAddress === 0 ? Math.ceil(all / 2) : perAddress) };
}

const kRecountMs = 50;
/** Addresses remembered between two counts. */
const kRemembered = 20_000;

export class Connections {
  count = 0;
  refused = 0;
  readonly #limits: ConnectionLimits;
  /**
   * By address, at least as many as there are: of a connection that ends uWebSockets.js does not say where it came from. So
   * what is added up here is only a reason to have the kernel count.
   */
  #atMost = new Map<string, number>();
  #countedMs = 0;
  /** Those the kernel has counted, and which uWebSockets.js has not told us of yet. */
  #countedAhead = 0;
  #port = -1;

  constructor(app: TemplatedApp, limits: ConnectionLimits) {
    this.#limits = limits;
    // biome-ignore lint/suspicious/useIterableCallbackReturn: no list, but whoever connects and disconnects.
    app.filter((res, by) => {
      this.count += Number(by);
      if (Number(by) < 0 || this.#isWelcome(addressKey(Buffer.from(res.getRemoteAddress())))) return;
      this.refused++;
      res.close();
    });
  }

  /** The port that is listened on: those to it are counted. */
  listensOn(port: number): void {
    this.#port = port;
  }

  #isWelcome(address: string): boolean {
    if (this.count > this.#limits.all) return false;
    let known = this.#atMost.get(address) ?? 0;
    if (this.#countedAhead > 0) this.#countedAhead--;
    else this.#atMost.set(address, ++known);
    if (known <= this.#limits.ofAddress && this.#atMost.size <= kRemembered) return true;
    const now = performance.now();
    // Who is that close to the limit can wait: counting costs more than a connection.
    if (now - this.#countedMs < kRecountMs) return false;
    this.#atMost = countConnections(this.#port);
    this.#countedMs = performance.now();
    let all = 0;
    for (const count of this.#atMost.values()) all += count;
    this.#countedAhead = Math.max(0, all - this.count);
    return (this.#atMost.get(address) ?? 0) <= this.#limits.ofAddress;
  }
}

/** Of an IPv6 address its network: whoever has one address there has 2^64 of them (RFC 6177). */
export function addressKey(address: Buffer): string {
  const mapped = address.length === 16 && address.subarray(0, 12).toString('hex') === '00000000000000000000ffff';
  if (mapped) return address.subarray(12).toString('hex');
  return address.subarray(0, address.length === 16 ? 8 : 4).toString('hex');
}

const kEstablished = '01';

/** Established connections to the port by addressKey, from the kernel's tables (proc(5), /proc/net/tcp). */
function countConnections(port: number): Map<string, number> {
  const counts = new Map<string, number>();
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    for (const line of linesOf(table)) {
      const [, here = '', there = '', state] = line.trim().split(/\s+/, 4);
      if (state !== kEstablished || !here.endsWith(local)) continue;
      const key = addressKey(fromTable(there.split(':')[0] ?? ''));
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

/** No table, no such protocol. */
function linesOf(table: string): string[] {
  try {
    return readFileSync(table, 'latin1').split('\n');
  } catch {
    return [];
  }
}

/** Words of 32 bits, each in the byte order of the machine. */
function fromTable(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  return bytes.length % 4 === 0 ? bytes.swap32() : bytes;
}
