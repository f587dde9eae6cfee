/** A pass whose engine dies: only the task that ends it may fail (src/run/local/isolate.ts). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineDied } from '#otf/engine/process.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { forwardSurviving, type PassActions } from '#otf/run/local/isolate.js';
import type { Pass, Piece } from '#otf/run/local/pass.js';

interface Task {
  name: string;
  ended: boolean;
}

/** Slots are lists of names; a forward pass is whatever `engine` does with those it is given. */
function rig(engine: (names: string[], attempt: number) => void) {
  const slots = new Map<number, string[]>();
  const forwards: string[] = [];
  const failed = new Map<string, OtfError>();
  const consumed: string[] = [];
  const logged: string[] = [];
  const nameOf = (piece: Piece) => (piece.task as unknown as Task).name;
  const actions: PassActions = {
    forward: async (slot, pieces) => {
      let item = 0;
      for (const piece of pieces) {
        assert.equal(piece.item, item, 'items lie one after another from 0');
        for (let i = 0; i < piece.count; i++) assert.equal(slots.get(slot)?.[piece.item + i], nameOf(piece));
        item += piece.count;
      }
      const names = pieces.map(nameOf);
      forwards.push(`${slot}: ${names.join(' ')}`);
      engine(names, forwards.length);
    },
    copy: async (from, to, piece, toItem) => {
      const source = [...(slots.get(from) ?? [])];
      const target = slots.get(to) ?? [];
      for (let i = 0; i < piece.count; i++) target[toItem + i] = source[piece.item + i] ?? '';
      slots.set(to, target);
    },
    consume: async (_, pieces) => {
      consumed.push(...pieces.map(nameOf));
    },
    failed: (task, error) => {
      const { name } = task as unknown as Task;
      (task as unknown as Task).ended = true;
      assert.equal(failed.has(name), false, `${name} failed twice`);
      failed.set(name, error);
    },
    log: (task, _, message) => {
      logged.push(`${(task as unknown as Task).name}: ${message}`);
    },
    alone: (work) => work(),
  };
  const pass = (...names: [name: string, count: number][]): { pass: Pass; tasks: Task[] } => {
    const tasks: Task[] = [];
    let item = 0;
    const pieces = names.map(([name, count]) => {
      const task = tasks.find((each) => each.name === name) ?? { name, ended: false };
      tasks.push(task);
      const piece = { task, first: 0, count, item } as unknown as Piece;
      for (let i = 0; i < count; i++) slots.set(0, [...(slots.get(0) ?? []), name]);
      item += count;
      return piece;
    });
    return { pass: { slot: 0, pieces }, tasks };
  };
  return { actions, pass, forwards, failed, consumed, logged, nameOf };
}

const died = (killed = false, alone = true) =>
  new EngineDied({ how: 'was ended by SIGSEGV', killed, words: '', lines: ['the last words'] }, alone);
const kOf = (...names: string[]) => names.map((name): [string, number] => [name, 2]);

describe('A pass whose engine dies', () => {
  it('is run once where all is well', async () => {
    const r = rig(() => undefined);
    const { pass } = r.pass(...kOf('a', 'b'));
    const left = await forwardSurviving(pass, 9, r.actions);
    assert.deepEqual(left.map(r.nameOf), ['a', 'b']);
    assert.deepEqual(r.forwards, ['0: a b']);
  });

  it('is tried again whole, and every task is told', async () => {
    const r = rig((_, attempt) => {
      if (attempt === 1) throw died();
    });
    const { pass } = r.pass(...kOf('a', 'b'));
    assert.equal((await forwardSurviving(pass, 9, r.actions)).length, 2);
    assert.deepEqual(r.forwards, ['0: a b', '0: a b']);
    assert.equal(r.failed.size, 0);
    assert.match(r.logged.join('\n'), /^a: .*SIGSEGV.*run again\nb: /);
  });

  it('fails only the task that ends it, with the last words; the others are consumed', async () => {
    const r = rig((names) => {
      if (names.includes('bad')) throw died();
    });
    const { pass } = r.pass(...kOf('a', 'b', 'bad', 'c', 'd'));
    assert.deepEqual(await forwardSurviving(pass, 9, r.actions), []);
    assert.deepEqual([...r.failed.keys()], ['bad']);
    assert.deepEqual((r.failed.get('bad') as EngineDied).lastWords, ['the last words']);
    assert.deepEqual(r.consumed.sort(), ['a', 'b', 'c', 'd']);
    assert.ok(r.forwards.length <= 8, `halves, not one by one: ${r.forwards.join(', ')}`);
  });

  it('finds two that do, and keeps the pieces of a task together', async () => {
    const r = rig((names) => {
      if (names.some((name) => name.startsWith('bad'))) throw died();
    });
    const { pass } = r.pass(['bad1', 1], ['a', 3], ['bad2', 1], ['a', 1]);
    await forwardSurviving(pass, 9, r.actions);
    assert.deepEqual([...r.failed.keys()].sort(), ['bad1', 'bad2']);
    assert.deepEqual(r.consumed, ['a', 'a']);
  });

  it('killed from outside it is tried three times before anybody is blamed', async () => {
    const r = rig((_, attempt) => {
      if (attempt <= 3) throw died(true);
    });
    const { pass } = r.pass(...kOf('a', 'b'));
    assert.equal((await forwardSurviving(pass, 9, r.actions)).length, 2);
    assert.equal(r.forwards.length, 4);
    assert.equal(r.failed.size, 0);
  });

  it('is not blamed for what died beside it', async () => {
    let deaths = 0;
    const r = rig((names, attempt) => {
      if (attempt === 1) throw died();
      // A pass that had begun before takes the engine with it, again and again.
      if (names.length > 0 && deaths++ < 5) throw died(false, false);
    });
    const { pass } = r.pass(...kOf('a'));
    assert.equal((await forwardSurviving(pass, 9, r.actions)).length, 1);
    assert.equal(r.failed.size, 0);
  });

  it('leaves out tasks that have ended, and what they left in the slot', async () => {
    const r = rig(() => undefined);
    const { pass, tasks } = r.pass(...kOf('a', 'gone', 'b'));
    for (const task of tasks) if (task.name === 'gone') task.ended = true;
    const left = await forwardSurviving(pass, 9, r.actions);
    assert.deepEqual(
      left.map((piece) => [r.nameOf(piece), piece.item]),
      [
        ['a', 0],
        ['b', 2],
      ],
    );
    assert.deepEqual(r.forwards, ['0: a b']);
  });

  it('an engine that refuses is believed: parts are not tried', async () => {
    const r = rig(() => {
      throw new OtfError('OTF_ENGINE_UNAVAILABLE', 'no memory for this network');
    });
    const { pass } = r.pass(...kOf('a', 'b'));
    assert.deepEqual(await forwardSurviving(pass, 9, r.actions), []);
    assert.deepEqual([...r.failed.keys()], ['a', 'b']);
    assert.equal(r.forwards.length, 1);
  });

  it('a task that ends meanwhile is neither run again nor failed', async () => {
    const r = rig(() => {
      for (const task of tasks) if (task.name === 'b') task.ended = true;
      throw died();
    });
    const { pass, tasks } = r.pass(...kOf('a', 'b'));
    await forwardSurviving(pass, 9, r.actions);
    assert.deepEqual([...r.failed.keys()], ['a']);
    assert.deepEqual(r.forwards, ['0: a b', '0: a']);
  });
});
