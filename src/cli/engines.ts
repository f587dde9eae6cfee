/** `engines`: what works on this machine. */
import type { Command } from 'commander';
import { native } from '../engine/addon.js';
import { kSoftware } from '../version.js';
import { example } from './options.js';
import { print, textTable } from './table.js';

export function registerEngines(root: Command): void {
  const command = root
    .command('engines')
    .description('what works here: engines, devices, compute types, versions')
    .option('--json', 'as JSON')
    .action(engines);
  example(command, ['cianna-otf engines']);
}

async function engines(options: { json?: boolean }): Promise<void> {
  const addon = native();
  const described = addon.describeEngines();
  const versions = { [kSoftware.name]: kSoftware.version, node: process.versions.node, ...addon.versions() };
  if (options.json) return print(JSON.stringify({ engines: described, versions }, null, 2));
  const rows = described.map((engine) => [
    engine.name,
    engine.version,
    engine.available ? 'yes' : 'no',
    engine.available ? engine.computeTypes.join(', ') : engine.reason,
    engine.device,
  ]);
  const columns = ['engine', 'version', 'works', 'compute types', 'device'];
  print(
    textTable(
      columns.map((title) => ({ title, align: 'left' })),
      rows,
    ),
  );
  print('');
  print(
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  );
}
