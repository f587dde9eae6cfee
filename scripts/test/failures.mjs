// A reporter of node's test runner: a line for every test that failed, its file's name as node's runner was given it.
import { basename } from 'node:path';

export default async function* failures(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:fail' || data.details?.type === 'suite') continue;
    // A file that ended before its tests did has its own path for a name.
    const name = basename(data.file ?? data.name).replace(/\.[jt]s$/, '.js');
    yield `${JSON.stringify({ file: `dist/test/${name}`, test: data.name })}\n`;
  }
}
