/** Workflows of others around our commands, run by the engines that run them (Debian's cwltool and snakemake). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot, runCli } from './support/cli.js';
import { startCommand } from './support/peers.js';
import { tempDir } from './support/server.js';

const kTool = '/usr/bin/cwltool';
const kFolder = join(kRoot, 'workflows/cwl');

describe('Workflows in CWL', { skip: existsSync(kTool) ? undefined : 'cwltool is not installed' }, () => {
  it('are what the standard says', async () => {
    const files = (await readdir(kFolder)).filter((file) => file.endsWith('.cwl'));
    assert.ok(files.length >= 5, files.join());
    for (const file of files) {
      const { code, stderr } = await startCommand(kTool, ['--validate', join(kFolder, file)]);
      assert.equal(code, 0, `${file}: ${stderr}`);
    }
  });

  it('simulate, search and score fields, with the catalogues that the commands give alone', async (t) => {
    const dir = await tempDir(t);
    const bin = join(dir, 'bin');
    await mkdir(bin);
    await symlink(join(kRoot, 'bin/cianna-otf.js'), join(bin, 'cianna-otf'));
    const out = join(dir, 'out');
    const order = join(dir, 'order.json');
    await writeFile(order, JSON.stringify({ seeds: [1, 2], size: 300 }));
    const path = `PATH=${bin}:${process.env.PATH}`;
    const tool = [
      kTool,
      '--quiet',
      '--preserve-environment',
      'PATH',
      '--outdir',
      out,
      join(kFolder, 'fields.cwl'),
      order,
    ];
    const { code, stderr } = await startCommand('env', [path, ...tool]);
    assert.equal(code, 0, stderr);
    const expected = ['field-1-score.json', 'field-1.vot', 'field-2-score.json', 'field-2.vot'];
    assert.deepEqual((await readdir(out)).sort(), expected);
    assert.equal(runCli(['simulate', '-o', 'sim', '--size', '300', '--seed', '2'], dir).code, 0);
    assert.equal(runCli(['detect', 'sim/field.fits', '-o', 'own.vot'], dir).code, 0);
    const rows = async (file: string) =>
      /<TABLEDATA>[\s\S]*<\/TABLEDATA>/.exec(await readFile(file, 'utf8'))?.[0] ?? '';
    const own = await rows(join(dir, 'own.vot'));
    assert.ok(own.includes('<TR>'), 'a field with sources');
    assert.equal(await rows(join(out, 'field-2.vot')), own);
    const score = JSON.parse(await readFile(join(out, 'field-2-score.json'), 'utf8')) as Record<string, unknown>;
    assert.ok(JSON.stringify(score).includes('completeness'));
  });
});

const kSnakemake = '/usr/bin/snakemake';

describe('The Snakefile', { skip: existsSync(kSnakemake) ? undefined : 'snakemake is not installed' }, () => {
  it('simulates, searches and scores fields, with the catalogues that the commands give alone', async (t) => {
    const dir = await tempDir(t);
    const bin = join(dir, 'bin');
    await mkdir(bin);
    await symlink(join(kRoot, 'bin/cianna-otf.js'), join(bin, 'cianna-otf'));
    const options = ['--directory', dir, '--cores', '2', '--config', 'seeds=1,2', 'size=300'];
    const tool = [kSnakemake, '-s', join(kRoot, 'workflows/snakemake/Snakefile'), ...options];
    const { code, stderr } = await startCommand('env', [`PATH=${bin}:${process.env.PATH}`, ...tool]);
    assert.equal(code, 0, stderr);
    const made = (await readdir(join(dir, 'catalogues'))).sort();
    assert.deepEqual(made, ['field-1-score.json', 'field-1.vot', 'field-2-score.json', 'field-2.vot']);
    assert.equal(runCli(['detect', 'fields/2/field.fits', '-o', 'own.vot'], dir).code, 0);
    const rows = async (file: string) =>
      /<TABLEDATA>[\s\S]*<\/TABLEDATA>/.exec(await readFile(join(dir, file), 'utf8'))?.[0] ?? '';
    assert.ok((await rows('own.vot')).includes('<TR>'), 'a field with sources');
    assert.equal(await rows('catalogues/field-2.vot'), await rows('own.vot'));
  });
});
