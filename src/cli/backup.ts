/** `backup`: all that a server has, while it goes on. */
import type { Command } from 'commander';
import { tokensPath } from '../auth/authenticator.js';
import { loadConfig } from '../config/load.js';
import { makeBackup } from '../jobs/backup.js';
import { example } from './options.js';
import { print } from './table.js';

interface BackupOptions {
  output: string;
  config?: string;
  dataDir?: string;
  json?: boolean;
}

export function registerBackup(root: Command): void {
  const command = root
    .command('backup')
    .description('copy the database and the files of all jobs of a data folder, while its server goes on')
    .requiredOption('-o, --output <dir>', 'the copy: a folder that is not there yet')
    .option('--config <file>', 'configuration (otf.toml) that names the data folder')
    .option('--data-dir <dir>', 'the data folder (default: data)')
    .option('--json', 'as JSON')
    .action(backup);
  example(command, ['cianna-otf backup --data-dir /var/lib/cianna-otf -o /backup/otf-2026-11-28']);
}

async function backup({ output, config: file, dataDir, json }: BackupOptions): Promise<void> {
  const config = await loadConfig({ file, env: process.env, flags: { storage: { data_dir: dataDir } } });
  const done = await makeBackup(config.storage.data_dir, output, tokensPath(config));
  if (json) return print(JSON.stringify(done, null, 2));
  const how = done.online ? 'beside its server' : 'no server was using it';
  print(`${done.jobs} jobs, ${done.files} files, ${(done.bytes / 1e6).toFixed(1)} MB in ${output} (${how})`);
}
