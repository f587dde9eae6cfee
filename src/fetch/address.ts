/** Which addresses count as inside: a URL of a stranger must not reach what only this machine or its network can reach. */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** IANA special-purpose registries (RFC 6890 and successors): everything that is not globally reachable unicast. */
const kPrivateV4: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Outside 2000::/3 nothing is global; inside it, tunnels and documentation. 6to4 and Teredo carry an IPv4 address along. */
const kPrivateV6: [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const privateV4 = new BlockList();
for (const [net, bits] of kPrivateV4) privateV4.addSubnet(net, bits, 'ipv4');
const privateV6 = new BlockList();
for (const [net, bits] of kPrivateV6) privateV6.addSubnet(net, bits, 'ipv6');
const globalV6 = new BlockList();
globalV6.addSubnet('2000::', 3, 'ipv6');

/** True for anything but a globally reachable unicast address; also for what is no IP address at all. */
export function isPrivateAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (isIP(plain) === 0) return true;
  // IPv4-mapped IPv6 (::ffff:a.b.c.d) is outside 2000::/3 and so refused whatever it maps to.
  if (isIPv6(plain)) return !globalV6.check(plain, 'ipv6') || privateV6.check(plain, 'ipv6');
  return privateV4.check(plain, 'ipv4');
}
