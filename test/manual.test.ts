/** Shell completion and manual pages, made from the commands. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { kRoot, missingProgram, runCli } from './support/cli.js';
import { tempDir } from './support/server.js';

function script(shell: string): string {
  const { code, stdout, stderr } = runCli(['completion', shell], kRoot);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What bash offers behind these words, the last of them being typed. */
function offered(completion: string, words: string[], cwd = kRoot): string[] {
  const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`;
  const { stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-c', `${completion}\n${set}; _cianna_otf; printf '%s\\n' "\${COMPREPLY[@]}"`],
    {
      encoding: 'utf8',
      cwd,
    },
  );
  assert.equal(stderr, '');
  return stdout.split('\n').filter(Boolean);
}

describe('completion', () => {
  it('of bash offers commands, their options, choices and files', () => {
    const bash = script('bash');
    const program = 'cianna-otf';
    const commands = offered(bash, [program, '']);
    for (const command of ['submit', 'jobs', 'dashboard', 'backup', 'bench'])
      assert.ok(commands.includes(command), command);
    assert.deepEqual(offered(bash, [program, 'das']), ['dashboard']);
    assert.deepEqual(offered(bash, [program, 'submit', '--ext']), ['--extras']);
    assert.deepEqual(offered(bash, [program, 'submit', '--format', 'vota']).sort(), [
      'votable',
      'votable-1.5',
      'votable-binary2',
    ]);
    assert.deepEqual(offered(bash, [program, 'detect', 'READ']), ['README.md']);
    assert.deepEqual(offered(bash, [program, 'submit', '-o', 'READ']), ['README.md']);
    assert.ok(offered(bash, [program, 'models', '']).includes('show'));
    assert.ok(offered(bash, [program, 'detect', '']).includes('README.md'));
    assert.deepEqual(offered(bash, [program, 'models', 'show', '--js']), ['--json']);
  });

  it('of bash keeps names of files whole, whatever is in them, also behind what is quoted', async (t) => {
    const dir = await tempDir(t);
    const names = ['my field.fits', 'my *.fits'];
    for (const name of names) await writeFile(`${dir}/${name}`, '');
    const bash = script('bash');
    for (const typed of ['my', 'my\\ ', '"my ']) {
      for (const before of [['detect'], ['submit', '-o']])
        assert.deepEqual(offered(bash, ['cianna-otf', ...before, typed], dir).sort(), [...names].sort(), typed);
    }
  });

  it('of other shells is one they read', { skip: missingProgram('bash', ['--version'], 'bash') }, () => {
    assert.match(script('zsh'), /^#compdef cianna-otf\n/);
    const fish = script('fish');
    assert.match(fish, /complete -c cianna-otf -f .*-a submit -d 'send images/);
    if (!missingProgram('fish', ['--version'], 'fish')) {
      const { status, stderr } = spawnSync('fish', ['--no-execute'], { input: fish, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
    const refused = runCli(['completion', 'tcsh'], kRoot);
    assert.deepEqual([refused.code, refused.stderr], [2, "cianna-otf: no shell 'tcsh': bash, zsh, fish\n"]);
  });
});

describe('man', () => {
  it('has a page for every command, with its options and examples', async (t) => {
    const dir = await tempDir(t);
    const { code, stderr } = runCli(['man', '-o', dir], kRoot);
    assert.equal(code, 0, stderr);
    const pages = await readdir(dir);
    for (const name of ['cianna-otf.1', 'cianna-otf-submit.1', 'cianna-otf-models-show.1'])
      assert.ok(pages.includes(name), name);
    const { stdout: help } = runCli(['submit', '--help'], kRoot);
    const page = await readFile(`${dir}/cianna-otf-submit.1`, 'utf8');
    const plain = page.replace(/\\-/g, '-');
    for (const [option = ''] of help.matchAll(/^ {2}(?:-\w, )?--[\w-]+/gm)) {
      if (!option.includes('--help')) assert.ok(plain.includes(option.trim()), option);
    }
    assert.match(plain, /\.SH EXAMPLES\n\.nf\ncianna-otf submit field\.fits/);
    // Every page can be read: groff says nothing of it.
    if (missingProgram('groff', ['--version'], 'groff')) return;
    for (const name of pages) {
      const { stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', `${dir}/${name}`], { encoding: 'utf8' });
      assert.equal(stderr, '', name);
      assert.match(stdout, /User Commands/);
    }
  });
});
