/** What commands leave where they write: nothing by halves whatever ends them, and what was no file stays what it was. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { kProgram, kRoot, runCli, runOk, scratchDir } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { floatData, header, imageCards, noise, skyCards } from './support/fits-writer.js';
import { until } from './support/until.js';

const kSide = 64;
const kImage = Buffer.concat([
  header([...imageCards([kSide, kSide]), ...skyCards(kSide / 2)]),
  floatData(noise(kSide * kSide)),
]);

function command(t: TestContext, cwd: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  atEnd(t, () => child.kill('SIGKILL'));
  return child;
}

async function endedBy(child: ChildProcess): Promise<unknown> {
  const [code, signal] = await once(child, 'exit');
  return code ?? signal;
}

describe('a signal', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal} ends the program in the middle of a file, which goes with it`, async (t) => {
      const dir = scratchDir();
      const script = `
        import { forNow } from '${kRoot}/dist/io/leftovers.js';
        import { mkdirSync, readdirSync } from 'node:fs';
        import { writeFileAtomically } from '${kRoot}/dist/io/write.js';
        mkdirSync('folder/deep', { recursive: true });
        forNow('folder');
        process.chdir('/');
        function* pieces() {
          yield 'x'.repeat(1 << 20);
          console.log(readdirSync('${dir}').length);
          process.kill(process.pid, '${signal}');
          for (;;) yield 'x'.repeat(1 << 20);
        }
        await writeFileAtomically('${dir}/out.vot', pieces());`;
      const child = command(t, dir, ['--input-type=module', '-e', script]);
      let out = '';
      child.stdout?.on('data', (data) => {
        out += data;
      });
      assert.equal(await endedBy(child), signal);
      assert.deepEqual([out, readdirSync(dir)], ['2\n', []]);
    });
  }

  it('takes away what the native side has begun, too', async (t) => {
    const dir = scratchDir();
    const child = command(t, dir, [kProgram, 'simulate', '-o', 'sim', '--size', '8192']);
    const begun = () =>
      readdirSync(dir).length > 0 && readdirSync(join(dir, 'sim')).some((name) => name.endsWith('.part'));
    await until(begun, 'it writes nothing', 60);
    child.kill('SIGTERM');
    assert.equal(await endedBy(child), 'SIGTERM');
    assert.deepEqual(readdirSync(join(dir, 'sim')), []);
  });

  it('is left to whoever ends in an order of his own', async (t) => {
    const dir = scratchDir();
    const script = `
      import { writeFileAtomically } from '${kRoot}/dist/io/write.js';
      process.once('SIGTERM', () => console.log('asked'));
      function* pieces() {
        yield 'a'.repeat(1 << 18);
        process.kill(process.pid, 'SIGTERM');
        for (let at = 0; at < 50; at++) yield 'a'.repeat(1 << 18);
      }
      await writeFileAtomically('${dir}/out', pieces());`;
    const child = command(t, dir, ['--input-type=module', '-e', script]);
    assert.equal(await endedBy(child), 0);
    assert.deepEqual(readdirSync(dir), ['out']);
  });

  it('of any kind leaves nothing of an image that is being unpacked', async (t) => {
    const dir = scratchDir();
    mkdirSync(join(dir, 'tmp'));
    const large = Buffer.concat([header(imageCards([8192, 8192])), Buffer.alloc(4 * 8192 * 8192)]);
    writeFileSync(join(dir, 'field.fits.gz'), gzipSync(large, { level: 1 }));
    const child = command(t, dir, [kProgram, 'detect', 'field.fits.gz', '-o', '-'], { TMPDIR: join(dir, 'tmp') });
    const files = `/proc/${child.pid}/fd`;
    const isUnpacking = () =>
      readdirSync(files).some((fd) => {
        try {
          return /tmp\/cianna-otf-\w+\/image\.fits \(deleted\)$/.test(readlinkSync(join(files, fd)));
        } catch {
          return false;
        }
      });
    await until(isUnpacking, 'it unpacks nothing into a file without a name', 60);
    assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
    child.kill('SIGKILL');
    await endedBy(child);
  });
});

describe('an output', () => {
  const dir = scratchDir();
  writeFileSync(join(dir, 'field.fits'), kImage);
  const detect = (...args: string[]) => runCli(['detect', 'field.fits', ...args], dir);

  it('that is a device, a pipe or open already is refused, and stays what it was', () => {
    execFileSync('mkfifo', ['pipe'], { cwd: dir });
    // By links: root, were this wrong, would lose the device of the machine.
    const links = { null: '/dev/null', stdout: '/dev/stdout', one: '/dev/fd/1' };
    for (const [link, target] of Object.entries(links)) symlinkSync(target, join(dir, link));
    for (const [path, format] of [
      ['pipe', 'votable'],
      ['pipe', 'fits'],
      ['null', 'csv'],
      ['stdout', 'csv'],
      ['one', 'votable'],
    ] as const) {
      const { code, stderr } = detect('-o', path, '--format', format);
      assert.deepEqual(
        [code, /^cianna-otf: cannot write .*: name a file, or - [^\n]*\n$/.test(stderr)],
        [1, true],
        stderr,
      );
    }
    assert.ok(lstatSync(join(dir, 'pipe')).isFIFO());
    for (const link of Object.keys(links)) assert.ok(lstatSync(join(dir, link)).isSymbolicLink(), link);
  });

  it('behind links is the file they lead to, and the links stay', () => {
    mkdirSync(join(dir, 'there'));
    writeFileSync(join(dir, 'there/old.vot'), 'old');
    symlinkSync('there/old.vot', join(dir, 'link.vot'));
    symlinkSync('link.vot', join(dir, 'again.vot'));
    symlinkSync('there/new.fits', join(dir, 'new.fits'));
    assert.equal(detect('-o', 'again.vot').code, 0);
    assert.equal(detect('-o', 'new.fits').code, 0);
    assert.match(readFileSync(join(dir, 'there/old.vot'), 'utf8'), /<VOTABLE/);
    assert.equal(readFileSync(join(dir, 'there/new.fits'), 'latin1').slice(0, 6), 'SIMPLE');
    for (const link of ['link.vot', 'again.vot', 'new.fits'])
      assert.ok(lstatSync(join(dir, link)).isSymbolicLink(), link);
    symlinkSync('round', join(dir, 'round'));
    assert.match(detect('-o', 'round').stderr, /too many links/);
  });

  it('is no other output of the command by another name', () => {
    const twice = (...args: string[]) => {
      const { code, stderr } = runCli(args, dir);
      assert.deepEqual([code, /^cianna-otf: two outputs both name [^\n]+\n$/.test(stderr)], [2, true], stderr);
    };
    twice('detect', 'field.fits', '-o', 'out.vot', '--preview', './out.vot');
    twice('detect', 'field.fits', '-o', 'a.fits', '--rms', `${dir}/a.fits`, '--measure', 'fast');
    twice('detect', 'field.fits', '-o', 'm.fits', '--footprint', 'there/../m.fits');
    writeFileSync(join(dir, 'places.csv'), 'ra,dec,flux\n1,1,1\n');
    twice('score', 'places.csv', 'places.csv', '--plain', '-o', 'pl-flux.svg', '--plots', 'pl');
    symlinkSync('there/c.vot', join(dir, 'c.png'));
    twice('detect', 'field.fits', '-o', 'there/c.vot', '--preview', 'c.png');
    runOk(['detect', 'field.fits', '-o', 'd.vot', '--preview', 'd.png'], dir);
  });
});
