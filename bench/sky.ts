/** `bench sky`: tiles of a large image from a server, plain and tile-compressed, as a page asks for them. */
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { Agent, get as httpGet, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { print, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { kShippedModelsDir } from '#otf/models/registry.js';
import { conditions, printConditions } from './conditions.js';
import { type BenchServer, startBenchServer } from './host.js';

interface BenchSkyOptions {
  size: number;
  tiles: number;
  json?: boolean;
}

interface Figure {
  image: string;
  what: string;
  /** Milliseconds; of one thing both are its time. */
  p50: number;
  p95: number;
}

/** A browser's connections to one server. */
const kAtOnce = 6;
const kAgent = new Agent({ keepAlive: true });
const kBlock = 2880;
const kSeed = 11;

export async function benchSky(options: BenchSkyOptions): Promise<void> {
  const before = await conditions();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  const figures: Figure[] = [];
  try {
    const plain = join(folder, 'plain.fits');
    const { size } = options;
    await native().simulate({ output: plain, sizePx: size, density: 0.0002, noise: 4e-7, seed: kSeed });
    const compressed = join(folder, 'compressed.fits');
    await compress(plain, compressed, size);
    const settings = { CIANNA_OTF_SERVER_MAX_UPLOAD_MB: '4000', CIANNA_OTF_LOGGING_LEVEL: 'info' };
    const server = await startBenchServer(join(folder, 'data'), kShippedModelsDir, settings);
    try {
      for (const [image, path] of [
        ['plain', plain],
        ['gzip rows', compressed],
      ] as const) {
        figures.push(...(await figuresOf(server, image, path, options)));
      }
    } finally {
      kAgent.destroy();
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (options.json) return print(JSON.stringify({ conditions: before, figures }, null, 2));
  printConditions(before);
  print(
    `image of ${options.size}x${options.size} pixels, ${options.tiles} tiles of each kind, ${kAtOnce} requests at a time`,
  );
  print('');
  const rows = figures.map(({ image, what, p50, p95 }) => [image, what, p50.toFixed(1), p95.toFixed(1)]);
  const left = { align: 'left' as const };
  print(
    textTable(
      [{ title: 'image', ...left }, { title: 'what', ...left }, { title: 'p50 ms' }, { title: 'p95 ms' }],
      rows,
    ),
  );
}

async function figuresOf(
  server: BenchServer,
  image: string,
  path: string,
  { tiles }: BenchSkyOptions,
): Promise<Figure[]> {
  const base = `${await upload(server, path)}/image`;
  const once = async (what: string, url: string): Promise<Figure> => {
    const ms = await timed(url);
    return { image, what, p50: ms, p95: ms };
  };
  const out = [await once('header, levels, grid', base), await once('whole plane read once', `${base}/statistics`)];
  const info = JSON.parse((await get(base)).toString('utf8')) as { width: number; tileSize: number; maxLevel: number };
  for (let level = info.maxLevel; level >= 0; level--) {
    const addresses = tileAddresses(info, level, tiles);
    const urls = addresses.map(({ x, y, low }) => `${base}/tiles/${level}/${x}_${y}.png?CUTS=${low},1e-5`);
    const share = 2 ** (info.maxLevel - level);
    out.push({ image, what: `tile, made, 1/${share}`, ...percentiles(await load(urls)) });
    if (level === info.maxLevel) out.push({ image, what: 'tile, kept', ...percentiles(await load(urls)) });
  }
  return out;
}

/** Each is made anew: where a level has fewer tiles than that, its cuts differ. */
function tileAddresses(
  { width, tileSize, maxLevel }: { width: number; tileSize: number; maxLevel: number },
  level: number,
  count: number,
) {
  const across = Math.ceil(width / 2 ** (maxLevel - level) / tileSize);
  return Array.from({ length: count }, (_, index) => {
    // Neighbours follow each other, as where somebody pans.
    const tile = index % (across * across);
    const low = -1e-6 - Math.floor(index / (across * across)) * 1e-9;
    return { x: tile % across, y: Math.floor(tile / across), low };
  });
}

async function load(urls: readonly string[]): Promise<number[]> {
  const waiting = [...urls];
  const times: number[] = [];
  const worker = async () => {
    for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) times.push(await timed(url));
  };
  await Promise.all(Array.from({ length: kAtOnce }, worker));
  return times;
}

function percentiles(times: number[]): { p50: number; p95: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95) };
}

async function timed(url: string): Promise<number> {
  const before = performance.now();
  await get(url);
  return performance.now() - before;
}

/** Not fetch: it gives up after five minutes. */
function get(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    httpGet(url, { agent: kAgent }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () => {
        const body = Buffer.concat(pieces);
        if (answer.statusCode === 200) resolve(body);
        else reject(new OtfError('OTF_SERVER_ANSWER', `${url}: ${answer.statusCode} ${body.toString('utf8')}`));
      });
    }).on('error', reject);
  });
}

async function upload(server: BenchServer, path: string): Promise<string> {
  const { size } = await stat(path);
  const headers = { 'content-type': 'application/fits', 'content-length': size };
  return new Promise((resolve, reject) => {
    const post = request(`${server.url}/uploads`, { method: 'POST', headers }, (answer) => {
      answer.resume();
      const { location } = answer.headers;
      if (answer.statusCode === 201 && location !== undefined) resolve(location);
      else reject(new OtfError('OTF_SERVER_ANSWER', `the upload got ${answer.statusCode}`));
    });
    post.on('error', reject);
    createReadStream(path).on('error', reject).pipe(post);
  });
}

/** Each row a tile of its own, in gzip (FITS Standard 4.0, section 10): what a reader of any compressed image does, without loss. */
async function compress(from: string, to: string, size: number): Promise<void> {
  const bytes = await readFile(from);
  const end = bytes.indexOf(`END${' '.repeat(77)}`);
  const data = Math.ceil((end + 80) / kBlock) * kBlock;
  const rows = Array.from({ length: size }, (_, y) =>
    gzipSync(bytes.subarray(data + y * size * 4, data + (y + 1) * size * 4), { level: 1 }),
  );
  const heap = rows.reduce((sum, row) => sum + row.length, 0);
  const table = Buffer.alloc(size * 8);
  let offset = 0;
  for (const [y, row] of rows.entries()) {
    table.writeInt32BE(row.length, y * 8);
    table.writeInt32BE(offset, y * 8 + 4);
    offset += row.length;
  }
  const longest = Math.max(...rows.map((row) => row.length));
  const number = (name: string, value: number) => `${name.padEnd(8)}= ${String(value).padStart(20)}`.padEnd(80);
  const text = (name: string, value: string) => `${name.padEnd(8)}= '${value.padEnd(8)}'`.padEnd(80);
  const logical = (name: string) => `${name.padEnd(8)}= ${'T'.padStart(20)}`.padEnd(80);
  const block = (cards: string[]) => {
    const joined = [...cards, 'END'.padEnd(80)].join('');
    return Buffer.from(joined.padEnd(Math.ceil(joined.length / kBlock) * kBlock), 'latin1');
  };
  const sky = bytes.toString('latin1', 0, end).match(/.{80}/g) ?? [];
  const kept = sky.filter((card) => /^(CTYPE|CRPIX|CRVAL|CDELT|CUNIT)[12] |^(BUNIT|RADESYS|BMAJ|BMIN|BPA) /.test(card));
  const file = await open(to, 'w');
  try {
    await file.write(block([logical('SIMPLE'), number('BITPIX', 8), number('NAXIS', 0), logical('EXTEND')]));
    await file.write(
      block([
        text('XTENSION', 'BINTABLE'),
        ...[number('BITPIX', 8), number('NAXIS', 2), number('NAXIS1', 8), number('NAXIS2', size)],
        ...[number('PCOUNT', heap), number('GCOUNT', 1), number('TFIELDS', 1)],
        ...[text('TTYPE1', 'COMPRESSED_DATA'), text('TFORM1', `1PB(${longest})`), logical('ZIMAGE')],
        ...[number('ZBITPIX', -32), number('ZNAXIS', 2), number('ZNAXIS1', size), number('ZNAXIS2', size)],
        ...[number('ZTILE1', size), number('ZTILE2', 1), text('ZCMPTYPE', 'GZIP_1')],
        ...kept,
      ]),
    );
    await file.write(table);
    for (const row of rows) await file.write(row);
    await file.write(Buffer.alloc((kBlock - ((table.length + heap) % kBlock)) % kBlock));
  } finally {
    await file.close();
  }
}
