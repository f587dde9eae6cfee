import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { composePass } from '#otf/run/local/compose.js';

interface Task {
  name: string;
  tilesToFill: number;
  readyTiles: number;
}

function task(name: string, tilesToFill: number, readyTiles = tilesToFill): Task {
  return { name, tilesToFill, readyTiles };
}

/** One pass; the tasks lose what it takes. */
function pass(tasks: Task[], batch: number): string {
  const shares = composePass(tasks, batch);
  for (const { task, count } of shares) {
    task.tilesToFill -= count;
    task.readyTiles -= count;
  }
  return shares.map((share) => `${share.task.name}${share.count}`).join(' ');
}

describe('A forward pass', () => {
  it('is as large as its fellows, and nothing when nothing is left', () => {
    assert.equal(pass([task('a', 9)], 8), 'a5');
    assert.equal(pass([task('a', 4)], 8), 'a4');
    assert.equal(pass([task('a', 16)], 8), 'a8');
    assert.equal(pass([task('a', 1)], 8), 'a1');
    assert.equal(pass([task('a', 3)], 1), 'a1');
    assert.deepEqual(composePass([task('a', 0)], 8), []);
    assert.deepEqual(composePass([], 8), []);
  });

  it('takes whole small tasks and keeps pieces together', () => {
    assert.equal(pass([task('large', 100), task('b', 1), task('c', 2)], 8), 'large5 b1 c2');
    assert.equal(pass([task('large', 100), task('b', 1), task('c', 2), task('d', 3)], 8), 'large4 b1 c2 d1');
    const nine = ['a', 'b', 'c'].map((name) => task(name, 9));
    assert.equal(pass(nine, 8), 'a7', '27 tiles are four passes of seven');
    const single = ['a', 'b', 'c'].map((name) => task(name, 1));
    assert.equal(pass(single, 2), 'a1 b1');
  });

  it('gives the oldest task its half however many small ones come', () => {
    const tasks = [task('large', 40)];
    let passes = 0;
    for (; (tasks[0]?.tilesToFill ?? 0) > 0 && passes < 100; passes++) {
      tasks.push(task('s', 4), task('s', 4));
      pass(tasks, 8);
    }
    assert.equal(passes, 10);
  });

  it('never takes more than there is, or than fits', () => {
    for (let batch = 1; batch <= 9; batch++) {
      const tasks = [5, 1, 17, 3, 1, 8].map((tiles, index) => task(String(index), tiles));
      for (let passes = 0; tasks.some((each) => each.tilesToFill > 0); passes++) {
        const shares = composePass(tasks, batch);
        const tiles = shares.reduce((sum, share) => sum + share.count, 0);
        assert.ok(tiles > 0 && tiles <= batch && passes < 100);
        for (const { task: each, count } of shares) {
          assert.ok(count > 0 && count <= each.tilesToFill);
          each.tilesToFill -= count;
          each.readyTiles -= count;
        }
      }
    }
  });

  it('takes only tiles that are in memory, and is as large as if all were', () => {
    assert.equal(pass([task('slow', 100, 0), task('b', 1), task('c', 2)], 8), 'b1 c2');
    const tasks = [task('a', 18, 5), task('b', 2)];
    assert.equal(pass(tasks, 8), 'a5 b2', '20 tiles are three passes of seven');
    assert.deepEqual(composePass([task('a', 13, 0)], 8, 7), []);
  });

  it('is filled up by tiles that come later', () => {
    const shares = composePass([task('a', 13, 9)], 8, 2);
    assert.deepEqual(
      shares.map((share) => share.count),
      [6],
    );
    assert.deepEqual(composePass([task('a', 13, 9)], 8, 8), []);
    assert.equal(composePass([task('a', 1)], 8, 3)[0]?.count, 1);
  });
});
