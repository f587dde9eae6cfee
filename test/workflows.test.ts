/** Workflows of others around our commands, run by the engines that run them (Debian's cwltool and snakemake) where these are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot, runCli } from './support/cli.js';
import { startCommand } from './support/peers.js';
import { field, tempDir } from './support/server.js';

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
    const out = await runWorkflow(dir, 'fields.cwl', { seeds: [1, 2], size: 300 });
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

  it('simulate changing skies and reconstruct them, with the light curves that the commands give alone', async (t) => {
    const dir = await tempDir(t);
    const sky = { size: 32, frames: 16 };
    const out = await runWorkflow(dir, 'transients.cwl', { seeds: [1, 2], ...sky, method: 'clean' });
    assert.deepEqual((await readdir(out)).sort(), ['transients-1', 'transients-2']);
    const made = ['--size', `${sky.size}`, '--frames', `${sky.frames}`, '--seed', '2'];
    assert.equal(runCli(['simulate', '--cube', '-o', 'sim', ...made], dir).code, 0);
    const given = ['sim/dirty.fits', '--psf', 'sim/psf.fits', '--truth', 'sim/truth.fits', '--method', 'clean'];
    assert.equal(runCli(['reconstruct', ...given, '-o', 'own'], dir).code, 0);
    const curves = (folder: string) => readFile(join(folder, 'lightcurves.csv'), 'utf8');
    const own = await curves(join(dir, 'own'));
    assert.ok(own.split('\n').length > sky.frames, 'a sky with sources');
    assert.equal(await curves(join(out, 'transients-2')), own);
    assert.notEqual(await curves(join(out, 'transients-1')), own);
  });
});

/** For a PATH, with our program. */
async function binFolder(dir: string): Promise<string> {
  const bin = join(dir, 'bin');
  await mkdir(bin);
  await symlink(join(kRoot, 'bin/cianna-otf.js'), join(bin, 'cianna-otf'));
  return bin;
}

/** The folder of what comes of it. */
async function runWorkflow(dir: string, workflow: string, inputs: Record<string, unknown>): Promise<string> {
  const bin = await binFolder(dir);
  const [out, order] = [join(dir, 'out'), join(dir, 'order.json')];
  await writeFile(order, JSON.stringify(inputs));
  const tool = [kTool, '--quiet', '--preserve-environment', 'PATH', '--outdir', out, join(kFolder, workflow), order];
  const { code, stderr } = await startCommand('env', [`PATH=${bin}:${process.env.PATH}`, ...tool]);
  assert.equal(code, 0, stderr);
  return out;
}

const kPythonProgram = '/usr/bin/python3';
/** What Lithops and flexecutor hand to a function, as far as ours uses it. */
const kStandIns = `
import io, sys
sys.path.insert(0, sys.argv[1])
import detect_stage
class Context:
    def get_input_paths(self, name): return [name + "/field-300-1.fits"]
    def next_output_path(self, name): return name + "-0.vot"
detect_stage.stage(Context())
class Store:
    def put_object(self, bucket, key, body): open(bucket + "-" + key.replace("/", "-"), "wb").write(body)
class Object:
    bucket = "sky"
    def __init__(self, key): self.key = key; self.data_stream = open("images/field-300-1.fits", "rb")
print(detect_stage.detect_object(Object("in/a.fits"), Store()), detect_stage.detect_object(Object("in/readme"), Store()))
try: detect_stage.detect("nowhere.fits", "x.vot")
except RuntimeError as error: print(error)
`;

describe('The function for Lithops', { skip: existsSync(kPythonProgram) ? undefined : 'no python3' }, () => {
  it('leaves the catalogue that detect leaves, and says why where it cannot', async (t) => {
    const dir = await tempDir(t);
    await mkdir(join(dir, 'images'));
    await field(join(dir, 'images'), 300, 1);
    const program = join(dir, 'stand-ins.py');
    await writeFile(program, kStandIns);
    const bin = await binFolder(dir);
    const { stdout } = spawnSync(kPythonProgram, [program, join(kRoot, 'workflows/lithops')], {
      cwd: dir,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: '1' },
    });
    assert.match(stdout, /^in\/a\.fits\.vot None\ncianna-otf: [^\n]*nowhere\.fits[^\n]*\n$/);
    assert.equal(runCli(['detect', 'images/field-300-1.fits', '-o', 'own.vot'], dir).code, 0);
    const rows = async (file: string) =>
      /<TABLEDATA>[\s\S]*<\/TABLEDATA>/.exec(await readFile(join(dir, file), 'utf8'))?.[0] ?? '';
    const own = await rows('own.vot');
    assert.ok(own.includes('<TR>'));
    for (const file of ['catalogues-0.vot', 'sky-in-a.fits.vot']) assert.equal(await rows(file), own, file);
  });
});

const kGroovy = '/usr/bin/groovy';

interface NextflowTask {
  script: string;
  outputs: { emit: string; paths: string[] }[];
}

describe('The module for Nextflow', { skip: existsSync(kGroovy) ? undefined : 'groovy is not installed' }, () => {
  it('has processes whose commands leave the files that they promise', async (t) => {
    const dir = await tempDir(t);
    const bin = await binFolder(dir);
    const reader = [join(kRoot, 'test/support/nextflow.groovy'), join(kRoot, 'workflows/nextflow/cianna_otf.nf')];
    /** As Nextflow: what a process runs, by bash, where its inputs are. */
    const run = async (process_: string, inputs: Record<string, string>, args?: string) => {
      const task = { cpus: 1, ext: args === undefined ? {} : { args } };
      const values = JSON.stringify({ meta: { id: 'sky' }, ...inputs, task });
      const { code, stdout, stderr } = await startCommand(kGroovy, [...reader, process_, values]);
      assert.equal(code, 0, stderr);
      const { script, outputs } = JSON.parse(stdout) as NextflowTask;
      const path = `PATH=${bin}:${process.env.PATH}`;
      const done = await startCommand('env', ['-C', dir, path, 'bash', '-ue', '-c', script]);
      assert.equal(done.code, 0, done.stderr);
      return outputs;
    };
    assert.equal(runCli(['simulate', '-o', 'sim', '--size', '300', '--seed', '2'], dir).code, 0);
    const found = await run('CIANNA_DETECT', { image: 'sim/field.fits' }, '--measure full');
    assert.deepEqual(found, [{ emit: 'catalogue', paths: ['sky.vot'] }]);
    assert.equal(runCli(['detect', 'sim/field.fits', '-o', 'own.vot', '--measure', 'full'], dir).code, 0);
    const rows = async (file: string) =>
      /<TABLEDATA>[\s\S]*<\/TABLEDATA>/.exec(await readFile(join(dir, file), 'utf8'))?.[0] ?? '';
    assert.ok((await rows('own.vot')).includes('<TR>'), 'a field with sources');
    assert.equal(await rows('sky.vot'), await rows('own.vot'));

    const scored = await run('CIANNA_SCORE', { catalogue: 'sky.vot', truth: 'sim/truth.vot' });
    assert.deepEqual(scored, [{ emit: 'score', paths: ['sky-score.json'] }]);
    assert.match(await readFile(join(dir, 'sky-score.json'), 'utf8'), /completeness/);

    assert.equal(runCli(['simulate', '--cube', '-o', 'cube', '--size', '32', '--frames', '16'], dir).code, 0);
    const cube = { cube: 'cube/dirty.fits', psf: 'cube/psf.fits' };
    const made = await run('CIANNA_RECONSTRUCT', cube, '--method clean');
    assert.deepEqual(made, [{ emit: 'files', paths: ['sky/*'] }]);
    assert.ok((await readdir(join(dir, 'sky'))).includes('lightcurves.csv'));
  });
});

const kSnakemake = '/usr/bin/snakemake';

describe('The Snakefile', { skip: existsSync(kSnakemake) ? undefined : 'snakemake is not installed' }, () => {
  it('simulates, searches and scores fields, with the catalogues that the commands give alone', async (t) => {
    const dir = await tempDir(t);
    const bin = await binFolder(dir);
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
