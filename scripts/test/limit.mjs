// An end for files of tests that find none: node's own limit (--test-timeout) is one of tests, of the file in some versions of
// node only, and a test that waits for a program without looking up (spawnSync) obeys neither.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** The longest takes four minutes on two CPUs of today, six on a busy machine. */
const kMostMs = 12 * 60_000;
/** clang-tidy looks at every file of C++: nine minutes. */
const kLonger = new Map([['lint.test.js', 40 * 60_000]]);
const kLookMs = 5000;

/** Empty: it has none, or is gone. */
function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function fileOf(pid) {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.find((word) => word.endsWith('.test.js')) ?? '';
  } catch {
    return '';
  }
}

/** With what it has started, which would hold its pipes. */
function kill(pid) {
  const children = childrenOf(pid);
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if (thrown.code !== 'ESRCH') throw thrown;
  }
  for (const child of children) kill(child);
}

/** Kills the files that the runner `pid` has had for longer than they may take, with a line; the result ends the watch. */
export function limitFiles(pid, mostMs = kMostMs) {
  const since = new Map();
  const look = setInterval(
    () => {
      for (const child of childrenOf(pid)) {
        if (!since.has(child)) since.set(child, performance.now());
        const file = basename(fileOf(child));
        const limitMs = kLonger.get(file) ?? mostMs;
        if (file === '' || performance.now() - since.get(child) < limitMs) continue;
        console.error(`test: ${file} has not ended within ${limitMs / 60_000} min, and is killed`);
        kill(child);
      }
    },
    Math.min(kLookMs, mostMs),
  );
  return () => clearInterval(look);
}
