/** `usage`: what people have used of a server, for accounts. */
import { type Command, InvalidArgumentError } from 'commander';
import { OtfError } from '../errors/catalogue.js';
import { example } from './options.js';
import { addServerOptions, clientOf, type RemoteOptions } from './remote.js';
import { print, textTable } from './table.js';

interface UsageOptions extends RemoteOptions {
  from?: string;
  to?: string;
}

interface Row {
  owner: string | null;
  jobs: number;
  items: number;
  cpuSeconds: number;
  gpuSeconds: number;
  bytesIn: number;
  bytesOut: number;
}

export function registerUsage(root: Command): void {
  const command = root
    .command('usage')
    .description('what you have used of a server; an admin sees everybody')
    .option('--from <day>', 'first day (UTC)', day)
    .option('--to <day>', 'last day', day)
    .action(usage);
  example(addServerOptions(command), ['cianna-otf usage --from 2026-01-01 --to 2026-01-31']);
}

function day(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected a day such as 2026-01-31.');
}

async function usage(options: UsageOptions): Promise<void> {
  const client = await clientOf(options);
  const days = { ...(options.from ? { FROM: options.from } : {}), ...(options.to ? { TO: options.to } : {}) };
  const { usage: rows } = (await client.usage(days)) as { usage?: Row[] };
  if (!Array.isArray(rows)) throw new OtfError('OTF_SERVER_ANSWER', 'the server does not tell what was used');
  if (options.json) return print(JSON.stringify(rows, null, 2));
  if (rows.length === 0) return print('nothing');
  const titles = ['jobs', 'items', 'CPU s', 'GPU s', 'MB in', 'MB out'].map((title) => ({ title }));
  const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  print(
    textTable(
      [{ title: 'owner', align: 'left' }, ...titles],
      rows.map((row) => [
        row.owner ?? '(nobody)',
        String(row.jobs),
        String(row.items),
        row.cpuSeconds.toFixed(1),
        row.gpuSeconds.toFixed(1),
        mb(row.bytesIn),
        mb(row.bytesOut),
      ]),
    ),
  );
}
