/** The files images are made of: well formed, alike, and about what is there. Nobody builds an image here. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { python, withoutPython } from './service/python.js';
import { kRoot } from './support/cli.js';

const kFolder = join(kRoot, 'deploy/container');
const read = (name: string) => readFileSync(join(kFolder, name), 'utf8');

/** Instructions, continued lines joined, without comments. */
function instructions(dockerfile: string): [name: string, rest: string][] {
  const lines = dockerfile.replace(/^#.*$/gm, '').replace(/\\\n/g, ' ').split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => [line.split(' ', 1)[0] ?? '', line.replace(/^\S+ /, '')]);
}

const kKnown = new Set('FROM RUN WORKDIR COPY USER VOLUME ENV EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT CMD'.split(' '));

describe('images', () => {
  it('have scripts that a shell reads', () => {
    for (const name of ['build.sh', 'install.sh']) execFileSync('sh', ['-n', join(kFolder, name)]);
  });

  it('are made by a Dockerfile of known words, whose settings the server has', async () => {
    const all = instructions(read('Dockerfile'));
    assert.ok(
      all.every(([name]) => kKnown.has(name)),
      JSON.stringify(all),
    );
    const value = (wanted: string) => all.filter(([name]) => name === wanted).map(([, rest]) => rest);
    assert.equal(value('FROM').length, 2);
    const env = Object.fromEntries(
      (value('ENV')[0] ?? '').split(' ').map((pair) => pair.split('=') as [string, string]),
    );
    const config = await loadConfig({ env });
    assert.deepEqual([config.server.host, config.storage.data_dir, config.server.port], ['0.0.0.0', '/data', 5000]);
    assert.deepEqual(value('EXPOSE'), ['5000']);
    assert.equal(value('USER')[0], 'otf', 'not root');
    for (const json of [...value('ENTRYPOINT'), ...value('CMD')]) assert.ok(Array.isArray(JSON.parse(json)), json);
    for (const [, script = ''] of read('Dockerfile').matchAll(/\bsh (deploy\/\S+)/g))
      assert.ok(existsSync(join(kRoot, script)));
  });

  it('are the same for Apptainer: the same base, the same steps', () => {
    const [docker, definition] = [read('Dockerfile'), read('cianna-otf.def')];
    const bases = [...docker.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    assert.deepEqual(
      [...definition.matchAll(/^From: (\S+)/gm)].map(([, base]) => base),
      bases,
    );
    for (const step of ['sh deploy/container/build.sh /opt/cianna-otf', 'sh /opt/cianna-otf/install.sh']) {
      assert.ok(docker.includes(step) && definition.includes(step), step);
    }
    const packages = (text: string) => /--no-install-recommends (ca-certificates.*)$/m.exec(text)?.[1];
    assert.equal(packages(docker), packages(definition));
    const sections = [...definition.matchAll(/^%(\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(sections, ['files', 'post', 'files', 'post', 'environment', 'runscript', 'test']);
  });

  it('run together with nginx: compose.yaml names files that are there', { skip: withoutPython('yaml') }, async () => {
    const script = 'import yaml, json, sys\nprint(json.dumps(yaml.safe_load(open(sys.argv[1]))))';
    const { services, volumes } = JSON.parse(await python(script, [join(kFolder, 'compose.yaml')])) as {
      services: Record<string, { volumes: string[]; build?: { context: string; dockerfile: string } }>;
      volumes: object;
    };
    assert.deepEqual(Object.keys(services), ['server', 'nginx']);
    const build = services.server?.build;
    assert.ok(build && existsSync(join(kFolder, build.context, build.dockerfile)));
    for (const volume of Object.values(services).flatMap((service) => service.volumes)) {
      const [from = ''] = volume.split(':');
      if (from === './tls') continue; // certificates of whoever runs it
      assert.ok(from.startsWith('.') ? existsSync(join(kFolder, from)) : from in volumes, volume);
    }
    const site = readFileSync(join(kRoot, 'deploy/nginx/cianna-otf-tls.conf'), 'utf8');
    assert.match(site, /server server:5000;/, 'the name of the service');
    // A server that others reach does not start before there is a token, and nothing runs in one that has not started.
    const said = readFileSync(join(kFolder, 'compose.yaml'), 'utf8');
    const commands = [...said.matchAll(/^# +docker compose -f \S+ (.*)$/gm)].map(([, words]) => words ?? '');
    assert.deepEqual(
      commands.map((words) => words.split(' ')[0]),
      ['build', 'run', 'up'],
    );
    assert.match(commands[1] ?? '', /^run --rm server token add NAME --data-dir \/data$/);
  });

  it('leave out what is made anew', () => {
    const left = readFileSync(join(kRoot, '.dockerignore'), 'utf8').split('\n');
    for (const name of ['node_modules', 'build', 'dist']) assert.ok(left.includes(name), name);
  });
});
