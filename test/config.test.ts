import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { tempDir } from './service/bench.js';

describe('configuration', () => {
  it('is defaults < file < environment < flags', async (t) => {
    const dir = await tempDir(t);
    const file = `${dir}/otf.toml`;
    await writeFile(file, '[server]\nport = 1\nhost = "h"\nmax_upload_mb = 7\n[fetch]\nfile_roots = ["/a"]\n');
    const env = {
      CIANNA_OTF_SERVER_PORT: '2',
      CIANNA_OTF_SERVER_HOST: '10',
      CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true',
      CIANNA_OTF_ENGINE_DEVICES: 'cpu,gpu0',
    };
    const config = await loadConfig({ file, env, flags: { server: { port: 3, host: undefined } } });
    assert.deepEqual(
      [
        config.server.port,
        config.server.host,
        config.server.max_upload_mb,
        config.fetch.allow_private,
        config.engine.devices,
        config.fetch.file_roots,
      ],
      [3, '10', 7, true, ['cpu', 'gpu0'], ['/a']],
    );
    assert.equal(config.policy.max_batch, 8);
  });

  it('names what is unknown or wrong', async (t) => {
    const dir = await tempDir(t);
    const attempt = async (toml: string, env: Record<string, string> = {}) => {
      await writeFile(`${dir}/otf.toml`, toml);
      return loadConfig({ file: `${dir}/otf.toml`, env });
    };
    const invalid = (message: RegExp) => ({ code: 'OTF_CONFIG_INVALID', message });
    await assert.rejects(attempt('[server]\nprot = 1'), invalid(/unknown key "prot" in \[server\]/));
    await assert.rejects(attempt('[srever]\nport = 1'), invalid(/unknown key "srever"/));
    await assert.rejects(attempt('[server]\nport = "x"'), invalid(/server\.port/));
    await assert.rejects(attempt('[server]\nport = 70000'), invalid(/server\.port/));
    await assert.rejects(attempt('[policy]\nmin_jobs = 9\nmax_batch = 2'), invalid(/policy\.min_jobs/));
    // Node's timers end at once when they are set to more than 24 days.
    for (const key of ['policy.max_wait_s', 'engine.read_s', 'engine.ready_s', 'engine.hang_s', 'engine.first_s']) {
      const [section, name] = key.split('.');
      await assert.rejects(attempt(`[${section}]\n${name} = 2147484`), invalid(new RegExp(key)));
      await attempt(`[${section}]\n${name} = 2147483`);
    }
    await assert.rejects(attempt('server = 3'), invalid(/server/));
    await assert.rejects(attempt('[server'), invalid(/line 1/));
    await assert.rejects(
      attempt('', { CIANNA_OTF_FETCH_ALOW_PRIVATE: 'true' }),
      invalid(/CIANNA_OTF_FETCH_ALOW_PRIVATE/),
    );
    await assert.rejects(attempt('', { CIANNA_OTF_FECTH_ALLOW_PRIVATE: 'true' }), invalid(/CIANNA_OTF_FECTH/));
    await assert.rejects(attempt('', { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'maybe' }), invalid(/ALLOW_PRIVATE="maybe"/));
    for (const port of ['0x1388', '0b1', '1e', 'Infinity'])
      await assert.rejects(attempt('', { CIANNA_OTF_SERVER_PORT: port }), invalid(/CIANNA_OTF_SERVER_PORT/));
    await assert.rejects(loadConfig({ file: `${dir}/none.toml` }), invalid(/none\.toml/));
  });
});
