/** The native test programs (doctest, one per room), each of their cases as a test of its own. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it, test } from 'node:test';
import { kRoot } from './support/cli.js';
import { parseReport, runNative } from './support/doctest.js';

const folder = join(kRoot, 'build/native-tests');
const programs = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => /(^|\/)test_[a-z_]+$/.test(name))
  .sort();

test('there is a native test program for each room', () => {
  const names = programs.map((name) => basename(name));
  for (const room of ['model', 'tensor', 'engine', 'fits', 'sky', 'detect', 'simulate', 'preview']) {
    assert.ok(
      names.some((name) => name.startsWith(`test_${room}`)),
      `no test program for ${room}: ${names}`,
    );
  }
});

for (const program of programs) {
  test(basename(program), async (t) => {
    const run = await runNative(join(folder, program));
    for (const each of run.cases) {
      await t.test(each.name, { skip: each.skipped }, () => {
        assert.ok(each.passed, each.failures.join('\n') || 'failed without saying why');
      });
    }
    assert.equal(run.fault, undefined);
  });
}

// Other CPUs than this one, as far as it can be told to be less.
for (const isa of ['AVX2', 'AVX512_CORE_VNNI']) {
  test(`the engine's cases on a CPU that has ${isa} at most`, async () => {
    const program = programs.find((name) => basename(name) === 'test_engine') ?? assert.fail('no test_engine');
    const run = await runNative(join(folder, program), { ONEDNN_MAX_CPU_ISA: isa });
    const failed = run.cases.filter((each) => !each.passed && each.skipped === false);
    assert.deepEqual(
      failed.map((each) => [each.name, ...each.failures]),
      [],
    );
    assert.equal(run.fault, undefined);
  });
}

describe('the reader of doctest reports', () => {
  it('sees failed, thrown and skipped cases, and failures inside sub-cases', () => {
    const cases = parseReport(`<?xml version="1.0"?><doctest binary="a" version="2.4.9"><TestSuite>
      <TestCase name="good &lt;a>" line="4"><OverallResultsAsserts successes="1" failures="0" test_case_success="true"/></TestCase>
      <TestCase name="bad"><SubCase name="s"><Expression success="false" type="CHECK" filename="/x/a.cpp" line="5">
        <Original> 3==4 </Original><Expanded> 3 == 4 </Expanded><Info> x=3 </Info></Expression></SubCase>
        <OverallResultsAsserts successes="0" failures="1" test_case_success="false"/></TestCase>
      <TestCase name="throws"><Exception crash="false"> boom </Exception>
        <OverallResultsAsserts successes="0" failures="0" test_case_success="false"/></TestCase>
      <TestCase name="skipped" description="needs BF16" skipped="true"/>
      <TestCase name="left out" skipped="true"/></TestSuite></doctest>`);
    assert.deepEqual(
      cases.map((each) => [each.name, each.passed, each.skipped]),
      [
        ['good <a>', true, false],
        ['bad', false, false],
        ['throws', false, false],
        ['skipped', false, 'needs BF16'],
        ['left out', false, 'left out by the program'],
      ],
    );
    assert.deepEqual(cases[1]?.failures, ['a.cpp:5: 3==4 (3 == 4) x=3']);
    assert.deepEqual(cases[2]?.failures, ['exception: boom']);
  });
});
