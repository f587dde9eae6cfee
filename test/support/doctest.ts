/** Running a doctest program and reading its XML report. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { scratchDir } from './cli.js';

export interface NativeCase {
  name: string;
  /** Why, where the case's description says so. */
  skipped: string | false;
  passed: boolean;
  /** What failed, one line each. */
  failures: string[];
}

export interface NativeRun {
  cases: NativeCase[];
  /** Why the program as a whole is not to be trusted: a crash, or a bad exit without a failed case. */
  fault?: string;
}

const kParser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  trimValues: true,
  processEntities: true,
});

export async function runNative(program: string, env: NodeJS.ProcessEnv = {}): Promise<NativeRun> {
  const report = join(scratchDir(), `${basename(program)}.xml`);
  const { code, signal, stderr } = await finished(program, ['--reporters=xml', `--out=${report}`], env);
  const lastWords = stderr.trim().split('\n').slice(-5).join(' | ');
  const ended = signal ?? (code === 0 || code === 1 ? undefined : `exit ${code}`);
  if (ended !== undefined) return { cases: [], fault: `the program died (${ended}): ${lastWords}` };
  const cases = parseReport(readFileSync(report, 'utf8'));
  if (cases.length === 0) return { cases, fault: 'the program has no test cases' };
  const allPassed = cases.every((each) => each.passed || each.skipped !== false);
  if (allPassed === (code === 0)) return { cases };
  return { cases, fault: `exit ${code}, which is not what its cases say: ${lastWords}` };
}

function finished(program: string, args: string[], env: NodeJS.ProcessEnv) {
  return new Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    let stderr = '';
    child.stderr.on('data', (data) => {
      stderr = (stderr + data).slice(-20000);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}

type Node = Record<string, unknown>;

export function parseReport(xml: string): NativeCase[] {
  const root = kParser.parse(xml) as { doctest?: Node };
  return list(root.doctest?.TestSuite)
    .flatMap((suite) => list(suite.TestCase))
    .map((each) => {
      const overall = list(each.OverallResultsAsserts)[0];
      return {
        name: String(each['@name']),
        skipped: each['@skipped'] === 'true' && String(each['@description'] ?? 'left out by the program'),
        passed: overall?.['@test_case_success'] === 'true',
        failures: failuresIn(each),
      };
    });
}

/** Failed expressions and exceptions, sub-cases included. */
function failuresIn(node: Node): string[] {
  const failures: string[] = [];
  for (const each of list(node.Expression)) {
    if (each['@success'] !== 'false') continue;
    const info = texts(each.Info).join(', ');
    const expanded = texts(each.Expanded).join(' ') || texts(each.Exception).join(' ');
    failures.push(
      `${basename(String(each['@filename']))}:${each['@line']}: ${texts(each.Original).join(' ')} (${expanded}) ${info}`.trim(),
    );
  }
  for (const text of texts(node.Exception)) failures.push(`exception: ${text}`);
  for (const each of list(node.Message)) failures.push(texts(each.Text).join(' '));
  for (const each of list(node.SubCase)) failures.push(...failuresIn(each));
  return failures;
}

function list(value: unknown): Node[] {
  if (value === undefined || value === '') return [];
  return (Array.isArray(value) ? value : [value]) as Node[];
}

function texts(value: unknown): string[] {
  if (value === undefined) return [];
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all.map((each) => String(typeof each === 'object' && each !== null ? ((each as Node)['#text'] ?? '') : each));
}
