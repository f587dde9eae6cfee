/**
 * `bench arrival`: an image given by URL is searched while it arrives. From its request to its results, beside the search of the same
 * file when it is there and the download, in turn; sender, server and engine share the machine.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { print, textTable } from '#otf/cli/table.js';
import { native } from '#otf/engine/addon.js';
import { OtfError } from '#otf/errors/catalogue.js';
import { conditions, printConditions } from './conditions.js';
import { median } from './engine.js';
import { type BenchServer, benchModels, madeJob, startBenchServer, uploadedImage } from './host.js';

interface BenchArrivalOptions {
  case?: string[];
  size: number;
  repeats: number;
  quantization: string;
  json?: boolean;
}

interface Figure {
  network: string;
  /** Of the download over the search, as wanted. */
  share: number;
  /** Medians, seconds. */
  search: number;
  download: number;
  together: number;
  /** Of `together` over the longer of the others, of each repeat; the median is what counts. */
  ratios: number[];
}

/** The bar where both take as long. */
const kWanted = 1.1;
const kShares = [1, 2, 0.5];
const kSeed = 1;
const kSender = fileURLToPath(new URL('./sender.js', import.meta.url));

export async function benchArrival(options: BenchArrivalOptions): Promise<void> {
  const before = await conditions();
  const folder = await mkdtemp(join(tmpdir(), 'cianna-otf-bench-'));
  const figures: Figure[] = [];
  try {
    const image = join(folder, 'field.fits');
    await native().simulate({
      output: image,
      sizePx: options.size,
      density: 0.001,
      noise: 4e-7,
      seed: kSeed,
    });
    const settings = { CIANNA_OTF_FETCH_ALLOW_PRIVATE: 'true' };
    const server = await startBenchServer(join(folder, 'data'), await benchModels(folder), settings);
    const sender = new Sender(fork(kSender, [image], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    try {
      const upload = await uploadedImage(server, await readFile(image));
      for (const network of options.case ?? ['demo-continuum', 'sdc1']) {
        figures.push(...(await figuresOf({ server, sender, upload, network }, options)));
      }
    } finally {
      sender.close();
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (options.json) return print(JSON.stringify({ conditions: before, figures }, null, 2));
  printConditions(before);
  print(
    `${options.size}x${options.size} pixels, ${options.quantization}, ${options.repeats} repeats in turn, seconds\n`,
  );
  printFigures(figures);
}

interface Site {
  server: BenchServer;
  sender: Sender;
  upload: string;
  network: string;
}

async function figuresOf(site: Site, { quantization, repeats }: BenchArrivalOptions): Promise<Figure[]> {
  const { server, sender, upload, network } = site;
  const fields = { MODEL: network, QUANTIZATION: quantization, PHASE: 'RUN' };
  const there = () => took(server, { ...fields, IMAGE: `job:${upload}/IMAGE` });
  await there();
  const all = kShares.map((share) => ({ share, search: [], download: [], together: [], ratios: [] }) as Seen);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { share, ...seen } of all) {
      // The machine may become slower or faster: the search before and the one after.
      const first = await there();
      const sent = sender.next();
      const together = await took(server, { ...fields, IMAGE: await sender.address(share * first) });
      const download = await sent;
      const search = (first + (await there())) / 2;
      seen.search.push(search);
      seen.download.push(download);
      seen.together.push(together);
      seen.ratios.push(together / Math.max(search, download));
    }
  }
  return all.map(({ share, search, download, together, ratios }) => {
    return { network, share, search: median(search), download: median(download), together: median(together), ratios };
  });
}

interface Seen {
  share: number;
  search: number[];
  download: number[];
  together: number[];
  ratios: number[];
}

class Sender {
  readonly #child: ChildProcess;
  readonly #port: Promise<number>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#port = this.#told('port');
  }

  async address(seconds: number): Promise<string> {
    return `http://127.0.0.1:${await this.#port}/field.fits?seconds=${seconds.toFixed(3)}`;
  }

  /** Seconds of the next download. */
  next(): Promise<number> {
    return this.#told('seconds');
  }

  close(): void {
    this.#child.disconnect();
  }

  #told(what: 'port' | 'seconds'): Promise<number> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new OtfError('OTF_ENGINE_FAILED', 'the sender has ended'));
      const heard = (said: Record<string, number>) => {
        const value = said[what];
        if (value === undefined) return;
        this.#child.off('exit', ended).off('message', heard);
        resolve(value);
      };
      this.#child.on('exit', ended).on('message', heard);
    });
  }
}

/** Seconds from the request to COMPLETED; the job is removed. */
async function took({ url }: BenchServer, fields: Record<string, string>): Promise<number> {
  const began = performance.now();
  const body = new URLSearchParams(fields);
  const id = await madeJob(await fetch(`${url}/jobs`, { method: 'POST', body, redirect: 'manual' }));
  for (;;) {
    const text = await (await fetch(`${url}/jobs/${id}?WAIT=300`, { headers: { accept: 'text/xml' } })).text();
    const phase = /<uws:phase>(\w+)/.exec(text)?.[1] ?? '';
    if (['QUEUED', 'EXECUTING'].includes(phase)) continue;
    if (phase !== 'COMPLETED') throw new OtfError('OTF_SERVER_ANSWER', `a task of the benchmark ended ${phase}`);
    const seconds = (performance.now() - began) / 1000;
    await fetch(`${url}/jobs/${id}`, { method: 'DELETE', redirect: 'manual' });
    return seconds;
  }
}

function printFigures(figures: readonly Figure[]): void {
  const titles = ['search', 'download', 'end to end', 'over the longer', 'of each repeat', 'one after the other'];
  const rows = figures.map(({ network, share, search, download, together, ratios }) => [
    `${network}, download ${share} x the search`,
    ...[search, download, together].map((seconds) => seconds.toFixed(2)),
    `${median(ratios).toFixed(2)} x`,
    ratios.map((ratio) => ratio.toFixed(2)).join(' '),
    `${((search + download) / Math.max(search, download)).toFixed(2)} x`,
  ]);
  print(textTable([{ title: 'case', align: 'left' }, ...titles.map((title) => ({ title }))], rows));
  print(`\nwanted: at most ${kWanted} x`);
}
