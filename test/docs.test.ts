/** What comments and pages point to is there: a page, its section, a file of the sources. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot } from './support/cli.js';

const kFolders = ['src', 'native', 'bench', 'scripts', 'test', 'docs', 'deploy', 'models'];
/** Not of this page: what they say is what was true of a version. */
const kHistory = /^CHANGELOG\.md$/;
/** This one has paths that are not there, on purpose. */
const kThis = /^test\/(docs|lint)\.test\.ts$/;

function sources(): Map<string, string> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md', 'CMakeLists.txt', ...kFolders];
  const files = execFileSync('git', args, { cwd: kRoot, encoding: 'utf8' }).trim().split('\n');
  const texts = files.filter(
    (file) => /\.(md|ts|mjs|h|c|cpp|toml|conf|txt|service|yml)$/.test(file) && existsSync(join(kRoot, file)),
  );
  return new Map(
    texts
      .filter((file) => !kHistory.test(file) && !kThis.test(file))
      .map((file) => [file, readFileSync(join(kRoot, file), 'utf8')]),
  );
}

/** Each `pattern` in each text, with where it is; comments may break a line inside a citation. */
function* found(pattern: RegExp): Generator<{ where: string; file: string; cited: string[] }> {
  for (const [file, text] of sources()) {
    for (const match of text.replace(/\n *(\*|\/\/|#) +/g, '\n').matchAll(pattern)) {
      yield { where: `${file}: ${match[0].replace(/\s+/g, ' ')}`, file, cited: match.slice(1) as string[] };
    }
  }
}

function isThere(path: string, from: string): boolean {
  return existsSync(join(kRoot, path)) || existsSync(join(kRoot, dirname(from), path));
}

describe('what is pointed to', () => {
  it('every page that is cited', () => {
    const cited = [...found(/(?<![\w/:.-])((?:\.\.\/)?[\w-]+(?:\/[\w.-]+)*\.md)\b/g)];
    assert.ok(cited.length > 20, 'the pattern finds nothing any more');
    const missing = cited.filter(({ file, cited: [page = ''] }) => !isThere(page, file));
    assert.deepEqual(
      missing.map(({ where }) => where),
      [],
    );
  });

  it('every section of a page', () => {
    const cited = [...found(/docs\/([\w-]+)\.md,\s+((?:step \d)|(?:[A-Z][\w' ]*?))(?=[.,;:)]|\s+\*\/)/g)];
    assert.ok(cited.length > 8, 'the pattern finds nothing any more');
    const missing = cited.filter(({ cited: [page = '', section = ''] }) => {
      const headings = readFileSync(join(kRoot, 'docs', `${page}.md`), 'utf8').match(/^## .*$/gm) ?? [];
      const step = /^step (\d)/.exec(section)?.[1];
      return !headings.some((line) => (step ? line.startsWith(`## ${step}. `) : line === `## ${section}`));
    });
    assert.deepEqual(
      missing.map(({ where }) => where),
      [],
    );
  });

  it('every file of the sources that a page names', () => {
    const cited = [...found(/`((?:src|native|scripts|test|bench|deploy|models)\/[\w./-]*)[` ]/g)];
    const ofPages = cited.filter(({ file }) => file.endsWith('.md'));
    assert.ok(ofPages.length > 10, 'the pattern finds nothing any more');
    const missing = ofPages.filter(({ file, cited: [path = ''] }) => !isThere(path, file));
    assert.deepEqual(
      missing.map(({ where }) => where),
      [],
    );
  });

  it('no comment cites what only its writer has: an issue by number', () => {
    const cited = [...found(/\b(issue)s? #?\d/g)];
    assert.deepEqual(
      cited.map(({ where }) => where),
      [],
    );
  });
});
