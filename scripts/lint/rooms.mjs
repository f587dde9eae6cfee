// The rooms of the house and what each may use: docs/architecture.md says why. A room is a folder with what is below it, unless
// that is a room of its own. The lists name every arrow there may be; the test of a room may use what the room may.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** TypeScript, below src/. */
const kTypeScript = {
  'version.ts': [],
  errors: [],
  io: ['errors'],
  threads: ['errors', 'io'],
  engine: ['errors', 'io'],
  models: ['engine', 'errors', 'fetch', 'io'],
  config: ['engine', 'errors', 'models'],
  auth: ['config', 'errors', 'io'],
  results: ['engine', 'errors', 'io'],
  provenance: ['io', 'version.ts'],
  fetch: ['errors', 'io', 'version.ts'],
  client: ['errors', 'io'],
  dashboard: ['client', 'errors', 'io'],
  scores: ['engine', 'errors', 'results', 'version.ts'],
  tasks: ['engine', 'errors', 'fetch', 'io', 'models', 'provenance', 'results', 'scores', 'version.ts'],
  jobs: ['config', 'errors', 'io', 'provenance', 'tasks', 'version.ts'],
  uploads: ['config', 'errors', 'io', 'jobs', 'tasks'],
  pictures: ['config', 'engine', 'errors', 'fetch', 'io', 'jobs', 'results', 'tasks', 'threads'],
  run: ['config', 'engine', 'errors', 'fetch', 'io', 'jobs', 'models', 'provenance', 'tasks', 'threads', 'version.ts'],
  schedule: ['config', 'errors', 'jobs', 'provenance', 'run', 'tasks'],
  uws: ['config', 'errors', 'fetch', 'io', 'jobs', 'models', 'pictures', 'results', 'tasks', 'uploads'],
  jobdir: ['config', 'deliver', 'errors', 'fetch', 'io', 'jobs', 'provenance', 'run', 'schedule', 'tasks', 'uws'],
  slurm: ['errors', 'jobdir'],
  inference: ['errors', 'jobs', 'models', 'tasks', 'uws', 'version.ts'],
  events: ['config', 'errors', 'jobs'],
  deliver: ['config', 'errors', 'fetch', 'jobs', 'tasks'],
  watch: ['client', 'errors', 'events', 'fetch', 'jobs'],
  http: ['auth', 'config', 'errors', 'inference', 'io', 'jobs', 'pictures', 'tasks', 'uploads', 'uws', 'version.ts'],
  // The script inside the one-file program: before what it unpacks there is nothing else.
  standalone: ['cli', 'errors', 'io'],
  // The page in the browser uses nothing of the server but its addresses.
  web: ['web/api', 'web/parts', 'web/state', 'web/views'],
  'web/api': [],
  'web/state': ['web/api'],
  'web/parts': ['web/state'],
  'web/sky': ['web/api', 'web/parts', 'web/state', 'web/table'],
  'web/table': ['web/api', 'web/parts', 'web/state'],
  'web/views': ['web/api', 'web/parts', 'web/sky', 'web/state', 'web/table'],
  cli: [
    ...['auth', 'client', 'config', 'dashboard', 'engine', 'errors', 'http', 'io', 'jobs', 'models', 'pictures'],
    ...[
      'deliver',
      'events',
      'fetch',
      'jobdir',
      'results',
      'run',
      'schedule',
      'scores',
      'slurm',
      'tasks',
      'uws',
      'watch',
    ],
    'version.ts',
  ],
};

/** C++, below native/. */
const kNative = {
  error: [],
  process: ['error'],
  tensor: ['error'],
  table: ['error', 'threads'],
  catalogue: ['error', 'fits'],
  score: ['catalogue', 'error', 'threads'],
  coverage: ['catalogue', 'error', 'fits', 'sky'],
  threads: [],
  timing: [],
  model: ['error', 'tensor'],
  fits: ['error', 'process', 'tensor'],
  reader: ['error', 'fits', 'process', 'tensor'],
  sky: ['error', 'fits'],
  fft: ['error', 'tensor'],
  simulate: ['error', 'fft', 'fits', 'sky', 'tensor', 'threads'],
  preview: ['error', 'fits', 'tensor'],
  engine: ['error', 'model'],
  'engine/cpu': [],
  'engine/threads': [],
  'engine/strips': ['timing'],
  'engine/narrow': ['engine/cpu', 'engine/strips', 'tensor'],
  'engine/avx512': ['engine/cpu', 'engine/strips', 'tensor'],
  'engine/winograd': ['engine/avx512', 'engine/cpu', 'engine/strips', 'tensor'],
  'engine/roofline': ['engine/cpu', 'engine/threads', 'model', 'tensor', 'timing'],
  'engine/reference': ['engine', 'error', 'model', 'timing'],
  'engine/onednn': [
    ...['engine', 'engine/narrow', 'engine/avx512', 'engine/cpu', 'engine/roofline', 'engine/strips'],
    ...['engine/threads', 'engine/winograd', 'error', 'model', 'tensor', 'timing'],
  ],
  'engine/process': ['engine', 'engine/threads', 'error', 'model', 'process', 'tensor', 'timing'],
  'engine/cianna': ['engine', 'engine/cpu', 'engine/threads', 'error', 'model', 'process', 'timing'],
  // The GPU's number types on a CPU; an emulated GPU, for tests; kernels; what runs them; and the engine over the library.
  'engine/cuda/numbers': [],
  'engine/cuda/emulation': ['engine/cuda/numbers'],
  'engine/cuda/kernels': ['engine/cuda/emulation', 'engine/cuda/numbers', 'error'],
  'engine/cuda/run': ['engine', 'engine/cuda', 'engine/cuda/kernels', 'engine/cuda/numbers', 'error', 'model'],
  'engine/cuda': ['engine', 'error', 'model', 'process'],
  'engine/cuda/bench': [
    ...['engine', 'engine/conformance', 'engine/cuda', 'engine/reference', 'engine/tests', 'error', 'model'],
  ],
  'engine/cuda/tests': [
    ...['engine', 'engine/cuda', 'engine/cuda/emulation', 'engine/cuda/numbers', 'engine/reference', 'engine/tests'],
    ...['engine/host', 'engine/process', 'engine/registry', 'error', 'model'],
  ],
  'engine/draws': ['engine', 'error', 'model'],
  'engine/registry': ['engine', 'engine/draws', 'engine/onednn', 'engine/process', 'engine/reference', 'error'],
  'engine/host': [
    'engine',
    'engine/cianna',
    'engine/cuda',
    'engine/draws',
    'engine/process',
    'engine/reference',
    'engine/registry',
    'error',
    'model',
    'process',
    'tensor',
    'timing',
  ],
  'engine/conformance': ['engine', 'error', 'tensor'],
  'engine/tests': [
    ...[
      'engine',
      'engine/narrow',
      'engine/avx512',
      'engine/conformance',
      'engine/cpu',
      'engine/draws',
      'engine/host',
      'engine/onednn',
      'engine/process',
      'engine/reference',
      'engine/registry',
      'engine/roofline',
      'engine/strips',
      'engine/threads',
      'engine/winograd',
    ],
    ...['error', 'model', 'process', 'tensor'],
  ],
  task: ['engine', 'error', 'model', 'tensor', 'timing'],
  measure: ['error', 'fits', 'sky', 'tensor', 'threads'],
  detect: [
    'coverage',
    'engine',
    'engine/draws',
    'error',
    'fits',
    'measure',
    'model',
    'sky',
    'task',
    'tensor',
    'threads',
    'timing',
  ],
  'detect/quality': ['detect', 'error', 'measure', 'model', 'score', 'task'],
  // They run a network of their own.
  'detect/tests': [
    ...['detect', 'engine', 'engine/registry', 'error', 'fits', 'measure', 'model', 'sky', 'task', 'tensor'],
    'timing',
  ],
  reconstruct: ['catalogue', 'error', 'fft', 'fits', 'model', 'sky', 'task', 'tensor', 'threads', 'timing'],
  // They run the shipped network, on simulated cubes.
  'reconstruct/tests': [
    ...[
      'catalogue',
      'engine',
      'engine/registry',
      'error',
      'fft',
      'fits',
      'model',
      'reconstruct',
      'simulate',
      'sky',
      'task',
      'tensor',
    ],
    'threads',
  ],
  kit: [
    ...['engine', 'engine/conformance', 'engine/process', 'engine/registry', 'error', 'model', 'process', 'tensor'],
    'timing',
  ],
  addon: [
    ...[
      'detect',
      'detect/quality',
      'engine',
      'engine/draws',
      'engine/onednn',
      'engine/process',
      'engine/registry',
      'engine/roofline',
      'error',
      'fits',
      'model',
      'preview',
      'reconstruct',
      'process',
      'simulate',
      'sky',
    ],
    ...['catalogue', 'coverage', 'measure', 'score', 'table', 'task', 'timing'],
    'tensor',
  ],
  // Put before programs by tests: knows nothing of ours.
  faults: [],
  fuzz: ['catalogue', 'error', 'fits', 'model', 'reader', 'sky', 'tensor'],
  tests: [],
};

/**
 * `root/`: where the rooms lie. `imports(text)` gives what a file names; `target(name, file)` the path below root that is meant,
 * undefined = not one of ours.
 * @typedef {{root: string, files: RegExp, rooms: Record<string, string[]>, imports: (text: string) => string[],
 *   target: (name: string, file: string) => string | undefined}} House
 */

const kImport = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g;

/** @type {House[]} */
export const kHouses = [
  {
    root: 'src',
    files: /\.c?tsx?$/,
    rooms: kTypeScript,
    imports: (text) => [...text.matchAll(kImport)].map(([, name]) => name),
    target: (name, file) => {
      if (name.startsWith('#otf/')) return name.slice('#otf/'.length).replace(/\.js$/, '.ts');
      return name.startsWith('.') ? join(dirname(file), name).replace(/\.js$/, '.ts') : undefined;
    },
  },
  {
    root: 'native',
    files: /\.(h|c|cpp|cu)$/,
    rooms: kNative,
    imports: (text) => [...text.matchAll(/^\s*#\s*include "([^"]+)"/gm)].map(([, name]) => name),
    // A bare name lies beside the file, or CMake made it.
    target: (name, file) => (name.includes('/') ? join(name) : join(dirname(file), name)),
  },
];

/** @returns {string | undefined} */
function roomOf(rooms, path) {
  for (let folder = path; folder !== '.'; folder = dirname(folder)) if (Object.hasOwn(rooms, folder)) return folder;
  return undefined;
}

/** A list that allows a circle would hold no direction. */
function circle(rooms) {
  const open = [];
  const done = new Set();
  const visit = (room) => {
    if (open.includes(room)) return [...open.slice(open.indexOf(room)), room];
    if (done.has(room)) return undefined;
    open.push(room);
    for (const other of rooms[room] ?? []) {
      const found = visit(other);
      if (found) return found;
    }
    open.pop();
    done.add(room);
    return undefined;
  };
  return Object.keys(rooms)
    .map(visit)
    .find((found) => found !== undefined);
}

/**
 * What is wrong with these files (paths from the root of the repository), each with the rule.
 * @param {Map<string, string>} texts
 * @param {House[]} houses
 */
export function wrongArrows(texts, houses = kHouses) {
  const faults = [];
  for (const { root, files, rooms, imports, target } of houses) {
    const round = circle(rooms);
    if (round) faults.push(`scripts/lint/rooms.mjs: the list for ${root}/ allows a circle: ${round.join(' -> ')}`);
    for (const [path, text] of texts) {
      if (!path.startsWith(`${root}/`) || !files.test(path)) continue;
      const file = path.slice(root.length + 1);
      const from = roomOf(rooms, file);
      if (from === undefined) {
        faults.push(`${path}: ${root}/${dirname(file)} is no room: name it in scripts/lint/rooms.mjs`);
        continue;
      }
      for (const name of imports(text)) {
        const meant = target(name, file);
        if (meant === undefined) continue;
        const to = meant.startsWith('..') ? undefined : roomOf(rooms, meant);
        if (to === from || (to !== undefined && rooms[from].includes(to))) continue;
        const allowed = rooms[from].join(', ') || 'nothing';
        faults.push(`${path}: '${name}' is forbidden: ${root}/${from} may use ${allowed} (scripts/lint/rooms.mjs)`);
      }
    }
  }
  return faults;
}

/** @param {string} root @param {string[]} files */
export function readTexts(root, files) {
  const there = files.filter((file) => existsSync(join(root, file)));
  return new Map(there.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}
