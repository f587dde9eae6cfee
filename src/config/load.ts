/** Configuration: defaults < otf.toml < environment < flags, validated as a whole. */
import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { type Config, type ConfigSection, kConfigSchema } from './schema.js';

const kEnvironmentPrefix = 'CIANNA_OTF_';
/** Variables with our prefix that are not settings of the server: what the client commands use. */
const kOtherVariables = new Set([
  'CIANNA_OTF_URL',
  'CIANNA_OTF_TOKEN',
  'CIANNA_OTF_TOKEN_FILE',
  'CIANNA_OTF_INDEX',
  'CIANNA_OTF_CACHE',
]);
const kSections = Object.keys(kConfigSchema.shape) as ConfigSection[];

export interface ConfigSources {
  /** Path of otf.toml. */
  file?: string | undefined;
  env?: Record<string, string | undefined>;
  /** By section and key, as in the file; undefined = not given. */
  flags?: { [S in ConfigSection]?: { [K in keyof Config[S]]?: Config[S][K] | undefined } };
}

type Raw = Record<string, Record<string, unknown>>;

/** Throws OTF_CONFIG_INVALID naming the file or variable, the key and what is wrong with it. */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const raw: Raw = {};
  if (sources.file !== undefined) merge(raw, await readToml(sources.file));
  const fromEnvironment = environmentSettings(sources.env ?? {});
  for (const { section, key, value } of fromEnvironment) merge(raw, { [section]: { [key]: value } });
  for (const [section, settings] of Object.entries(sources.flags ?? {})) {
    const given = Object.entries(settings).filter(([, value]) => value !== undefined);
    merge(raw, { [section]: Object.fromEntries(given) });
  }
  const checked = kConfigSchema.safeParse(raw);
  if (checked.success) return checked.data;
  const label = sources.file ?? 'configuration';
  throw new OtfError('OTF_CONFIG_INVALID', `${label}: ${checked.error.issues.map(describeIssue).join('; ')}`);
}

async function readToml(path: string): Promise<Raw> {
  let source: string;
  try {
    source = await readFile(path, 'utf8');
  } catch (thrown) {
    throw new OtfError('OTF_CONFIG_INVALID', `cannot read the configuration ${path}: ${systemReason(thrown)}`);
  }
  try {
    return parse(source) as Raw;
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const reason = (thrown.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new OtfError('OTF_CONFIG_INVALID', `${path}, line ${thrown.line}: ${reason}`);
  }
}

/** Tables merge, everything else is replaced; a section that is no table is left for the schema to refuse. */
function merge(into: Raw, from: Raw): void {
  for (const [section, settings] of Object.entries(from)) {
    const both = isTable(into[section]) && isTable(settings);
    into[section] = both ? { ...into[section], ...settings } : settings;
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** CIANNA_OTF_FETCH_ALLOW_PRIVATE=true -> fetch.allow_private = true. The schema decides how the text is read. */
function environmentSettings(env: Record<string, string | undefined>) {
  const settings: { section: ConfigSection; key: string; value: unknown }[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(kEnvironmentPrefix) || value === undefined || kOtherVariables.has(name)) continue;
    const rest = name.slice(kEnvironmentPrefix.length).toLowerCase();
    const section = kSections.find((each) => rest.startsWith(`${each}_`));
    const key = section ? rest.slice(section.length + 1) : '';
    if (section === undefined || !Object.hasOwn(shapeOf(section), key)) {
      throw new OtfError('OTF_CONFIG_INVALID', `environment: unknown setting ${name}`);
    }
    settings.push({ section, key, value: readText(section, key, value, name) });
  }
  return settings;
}

function shapeOf(section: ConfigSection): Record<string, z.ZodType> {
  // Each section is preprocess(strictObject): the object is its output side.
  const pipe = kConfigSchema.shape[section] as unknown as { out: { shape: Record<string, z.ZodType> } };
  return pipe.out.shape;
}

/** As people write them, and options take them: not 0x5000. */
const kNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i;

/** Text as the type of the key: tried as text, number, boolean, comma-separated list; the first the schema takes. */
function readText(section: ConfigSection, key: string, value: string, name: string): unknown {
  const candidates: unknown[] = [value];
  if (kNumber.test(value.trim())) candidates.unshift(Number(value));
  if (value === 'true' || value === 'false') candidates.unshift(value === 'true');
  candidates.push(value === '' ? [] : value.split(',').map((part) => part.trim()));
  const schema = shapeOf(section)[key] as z.ZodType;
  const fitting = candidates.find((candidate) => schema.safeParse(candidate).success);
  if (fitting !== undefined) return fitting;
  const issue = schema.safeParse(candidates[0]).error?.issues[0];
  throw new OtfError('OTF_CONFIG_INVALID', `environment: ${name}="${value}": ${issue?.message ?? 'bad value'}`);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}${where === '' ? '' : ` in [${where}]`}`;
  }
  return `${where}: ${issue.message.replace(/^Invalid input: /, '')}`;
}
