/** A table of a command: as text on the terminal, or in one of the formats into a file or standard output. */
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { OtfError } from '../errors/catalogue.js';
import { assertWritable } from '../io/write.js';
import { kTableFormats, type TableFormat } from '../results/formats.js';
import type { TableDocument } from '../results/table.js';
import { refuseOverwriting } from './overwriting.js';

export interface TableOptions {
  format?: TableFormat | 'text';
  output?: string;
}

const kExtensions = new Map<string, TableFormat>([
  ['.vot', 'votable'],
  ['.xml', 'votable'],
  ['.fits', 'fits'],
  ['.csv', 'csv'],
  ['.json', 'json'],
]);

export interface TableTarget {
  format: TableFormat | 'text';
  /** Absent = standard output. */
  path?: string;
}

/** `byDefault`: where neither --format nor the ending of -o says it. */
export function addTableOptions(command: Command, byDefault: 'text' | 'votable'): Command {
  const text = byDefault === 'text' ? ['text'] : [];
  const option = new Option('--format <format>', `(default: from the ending of -o, else ${byDefault})`);
  return command
    .addOption(option.choices([...text, ...Object.keys(kTableFormats)]))
    .option('-o, --output <file>', 'where it goes (default: standard output)');
}

/** `inputs`: of the command, which it must not be. */
export async function tableTarget(
  options: TableOptions,
  byDefault: 'text' | 'votable',
  inputs: readonly string[],
): Promise<TableTarget> {
  const path = options.output === '-' ? undefined : options.output;
  const byEnding = path === undefined ? undefined : kExtensions.get(extname(path).toLowerCase());
  const format = options.format ?? byEnding ?? byDefault;
  await refuseOverwriting([path], inputs);
  if (path !== undefined) await assertWritable(path);
  else if (format !== 'text' && !kTableFormats[format].isText)
    throw new OtfError('OTF_USAGE', `--format ${format} cannot go to standard output: give -o FILE`);
  return { format, ...(path === undefined ? {} : { path }) };
}

/** `text`: what people read. */
export async function writeTable(document: TableDocument, text: () => string, target: TableTarget): Promise<void> {
  const { tableContent, writeContent } = await import('../results/serialise.js');
  const { format, path } = target;
  const content = format === 'text' ? { pieces: [`${text()}\n`] } : tableContent(document, format);
  if (path !== undefined) return writeContent(content, path);
  return pipeline(Readable.from('pieces' in content ? content.pieces : []), process.stdout, { end: false });
}
