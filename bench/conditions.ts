/** The conditions a measurement was made in: published with every number. */
import { cpus, loadavg, release } from 'node:os';
import { print } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { kSoftware } from '#otf/version.js';

export interface Conditions {
  cpu: string;
  cpus: number;
  kernel: string;
  load: number;
  versions: Record<string, string>;
}

/** Load before the measurement: above 0.5 on a small machine the numbers are not to be trusted. */
export async function conditions(): Promise<Conditions> {
  const addon = native();
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    kernel: release(),
    load: loadavg()[0] ?? 0,
    versions: { [kSoftware.name]: kSoftware.version, node: process.versions.node, ...addon.versions() },
  };
}

export function printConditions(of: Conditions): void {
  print(`${of.cpu}, ${of.cpus} CPUs, Linux ${of.kernel}, load ${of.load.toFixed(2)} at the start`);
  print(
    Object.entries(of.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  );
}
