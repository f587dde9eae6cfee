/** `match`: two catalogues side by side, paired on the sky. */
import { type Command, Option } from 'commander';
import { native } from '../engine/addon.js';
import type { JoinRequest } from '../scores/sky-join.js';
import { skyJoin } from '../scores/sky-join.js';
import { warn } from './failure.js';
import { example, integer, real } from './options.js';
import { textTable } from './table.js';
import { addTableOptions, type TableOptions, tableTarget, writeTable } from './table-output.js';

interface MatchOptions extends TableOptions {
  radius: number;
  sigma?: number;
  find: JoinRequest['find'];
  keepAll?: boolean;
  threads: number;
}

/** What JavaScript holds as rows of both. */
const kMostRows = 5_000_000;

export function registerMatch(root: Command): void {
  const command = root
    .command('match')
    .description('pair the sources of two catalogues on the sky (docs/score.md)')
    .argument('<a>', 'catalogue with ra and dec: text, CSV, VOTable or FITS')
    .argument('<b>', 'the other')
    .option('--radius <arcsec>', 'most distance of a pair', real(0, 3600), 1.5)
    .option('--sigma <s>', 'most distance over its error, from ra_err and dec_err', real(0, 1e6))
    .addOption(new Option('--find <pairs>', 'each row once, or every pair').choices(['best', 'all']).default('best'))
    .option('--keep-all', 'keep rows of A that have no partner')
    .addOption(new Option('--threads <n>', 'CPU threads').default(0, 'all').argParser(integer(0, 1024)));
  addTableOptions(command, 'votable');
  example(command, ['cianna-otf match found.vot reference.fits --radius 2 --sigma 5 -o pairs.vot']);
  command.action(match);
}

async function match(a: string, b: string, options: MatchOptions): Promise<void> {
  const target = await tableTarget(options, 'votable', [a, b]);
  const addon = native();
  const read = (path: string) => addon.readTable({ path, label: path, maxRows: kMostRows });
  const tables = { a: await read(a), b: await read(b) };
  const { radius, sigma, find, keepAll = false, threads } = options;
  const request: JoinRequest = { radiusArcsec: radius, maxSigma: sigma, find, keepAll, threads };
  const document = await skyJoin(addon, { a, b }, tables, request);
  for (const line of document.warnings) warn(line);
  const facts = () => document.facts.map(({ name, value }) => [name, String(value)]);
  await writeTable(document, () => textTable([{ title: 'fact', align: 'left' }, { title: '' }], facts()), target);
  const pairs = document.facts.find(({ name }) => name === 'pairs')?.value;
  process.stderr.write(`${pairs} pairs of ${tables.a.rows} and ${tables.b.rows} rows\n`);
}
