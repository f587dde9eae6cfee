/** What is watched exists: every metric that the Grafana dashboard and the alert rules name is one that a server gives. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { python, withoutPython } from './service/python.js';
import { kRoot } from './support/cli.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kGrafana = join(kRoot, 'deploy/grafana/cianna-otf.json');
const kRules = join(kRoot, 'deploy/prometheus/cianna-otf.rules.yml');

interface Panel {
  title: string;
  targets: { expr: string }[];
  gridPos: { x: number; y: number; w: number; h: number };
}

async function expressions(): Promise<string[]> {
  const { panels } = JSON.parse(await readFile(kGrafana, 'utf8')) as { panels: Panel[] };
  const rules = await readFile(kRules, 'utf8');
  const alerts = [...rules.matchAll(/^ +expr: (.*)$/gm)].map(([, expr]) => expr ?? '');
  assert.ok(panels.length > 10 && alerts.length > 5, 'nothing is found any more');
  return [...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...alerts];
}

/** Name to its labels, with the kinds of samples that histograms have. */
function samplesOf(metrics: string): Map<string, Set<string>> {
  const samples = new Map<string, Set<string>>();
  for (const line of metrics.split('\n')) {
    const [, name, labels = ''] = /^(otf_\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = samples.get(name) ?? new Set();
    samples.set(name, known);
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label ?? '');
  }
  return samples;
}

/** Without values where there is no GPU; of them the description is enough. */
const kMayBeEmpty = /^otf_gpu_/;

describe('what can be set', () => {
  it('is on the page: every key of every section', async () => {
    const page = await readFile(join(kRoot, 'docs/server.md'), 'utf8');
    const config = await loadConfig({});
    const keys = Object.entries(config).flatMap(([section, settings]) =>
      Object.keys(settings).map((key) => ({ section, key })),
    );
    assert.ok(keys.length > 40, 'nothing is found any more');
    const missing = keys.filter(({ section, key }) => !page.includes(`\`${key}\``) || !page.includes(`| ${section} |`));
    assert.deepEqual(missing, []);
  });
});

describe('what is watched', () => {
  it('is there: every metric and every label of it', async (t) => {
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(await tempDir(t), 300, 1));
    await server.until(id, 'COMPLETED');
    const metrics = await server.text('/metrics');
    const samples = samplesOf(metrics);
    for (const expr of await expressions()) {
      for (const [, name = '', selected = ''] of expr.matchAll(/\b(otf_\w+)(?:\{([^}]*)\})?/g)) {
        if (kMayBeEmpty.test(name) || name === 'otf_queue_depth' || name === 'otf_engine_restarts') {
          assert.match(metrics, new RegExp(`^# HELP ${name} `, 'm'), `${name} in ${expr}`);
          continue;
        }
        const labels = samples.get(name);
        assert.ok(labels, `${name} in ${expr}`);
        for (const [, label = ''] of selected.matchAll(/(\w+)(?:=|!)/g)) {
          // Prometheus gives it.
          if (label !== 'instance') assert.ok(labels.has(label), `label ${label} of ${name} in ${expr}`);
        }
      }
    }
  });

  it('grows where it is asked how much it has grown: what falls in between would be taken for a restart', async (t) => {
    const server = await startTestServer(t);
    const metrics = await server.text('/metrics');
    // Gauges that are counts since the server started.
    const counts = new Set([
      'otf_engine_restarts',
      'otf_connections_refused',
      'otf_readers_crashed',
      'otf_readers_late',
    ]);
    for (const expr of await expressions()) {
      for (const [, name = ''] of expr.matchAll(/\b(?:increase|rate)\((otf_\w+)/g)) {
        const base = name.replace(/_(count|sum|bucket)$/, '');
        const type = new RegExp(`^# TYPE (?:${name}|${base}) (\\w+)`, 'm').exec(metrics)?.[1];
        assert.ok(type === 'counter' || type === 'histogram' || counts.has(name), `${name} in ${expr} is a ${type}`);
      }
    }
  });

  it('has its place: no two panels lie over each other', async () => {
    const { panels } = JSON.parse(await readFile(kGrafana, 'utf8')) as { panels: Panel[] };
    const taken = new Map<string, string>();
    for (const {
      title,
      gridPos: { x, y, w, h },
    } of panels) {
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          assert.equal(taken.get(`${column} ${row}`), undefined, title);
          taken.set(`${column} ${row}`, title);
        }
      }
    }
  });

  it('is YAML with what Prometheus needs of a rule', { skip: withoutPython('yaml') }, async () => {
    const script = `
import yaml, json, sys
print(json.dumps(yaml.safe_load(open(sys.argv[1]))))`;
    const { groups } = JSON.parse(await python(script, [kRules])) as { groups: { rules: Record<string, unknown>[] }[] };
    for (const rule of groups.flatMap(({ rules }) => rules)) {
      assert.match(String(rule.alert), /^CiannaOtf\w+$/);
      const { summary, action } = rule.annotations as Record<string, string>;
      assert.ok(rule.expr && summary && action, String(rule.alert));
    }
  });
});
