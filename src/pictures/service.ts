/**
 * Pictures of images that somebody has here, and what a page needs to show them. What is made is kept for a while: what the
 * header says in memory; overviews, unpacked images and pictures in files, up to a limit.
 *
 *     source ─► plain file (unpacked, when it came in gzip) ─► description ─► plane (decoded, when it is compressed)
 *            ─► overview of it ─► tiles, whole pictures
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Histogram, type Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import type {
  ImageDescription,
  ImageSelect,
  Look,
  PixelFacts,
  PlacedRegion,
  PlaneStatistics,
} from '../engine/addon.js';
import { type ErrorCode, OtfError, toOtfError } from '../errors/catalogue.js';
import { isGzip } from '../fetch/unpack.js';
import { type CachedFile, FileCache } from './cache.js';
import { lookKey } from './look.js';
import { type AssertRoom, hasRoom, intoFile } from './room.js';
import { type Chosen, type Client, nameOf, type PictureSource, select, type TileAddress } from './source.js';
import { type Errand, PictureThreads } from './threads.js';
import type { PictureStage, PictureValue, PictureWork } from './work.js';

export interface PicturesOptions {
  config: Pick<Config, 'fetch' | 'pictures' | 'storage'>;
  metrics: Registry;
  assertRoom: AssertRoom;
}

const kMb = 2 ** 20;
/** So many times the reserve are left free: pictures go before jobs are refused. */
const kReserves = 3;
const kSweepMs = 10_000;
const kPixelBytes = 4;
/** Of what may be kept, a decoded plane takes no more. */
const kDecodedShare = 0.25;
/** Descriptions in memory: some ten kilobytes each. */
const kDescribed = 300;
/** The file says it, so it will say it again. */
const kLasting: ReadonlySet<ErrorCode> = new Set([
  'OTF_FITS_UNREADABLE',
  'OTF_FITS_TRUNCATED',
  'OTF_FITS_NO_IMAGE',
  'OTF_IMAGE_TOO_LARGE',
]);

export class Pictures {
  readonly #config: PicturesOptions['config'];
  readonly #assertRoom: PicturesOptions['assertRoom'];
  readonly #cache: FileCache;
  readonly #threads: PictureThreads;
  readonly #seconds: Histogram<'stage'>;
  readonly #described = new Map<string, Promise<ImageDescription>>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor({ config, metrics, assertRoom }: PicturesOptions) {
    this.#config = config;
    this.#assertRoom = assertRoom;
    const { data_dir, reserve_mb } = config.storage;
    const isRoom = () => hasRoom(assertRoom, kReserves * reserve_mb * kMb);
    this.#cache = new FileCache(join(data_dir, 'pictures'), config.pictures.cache_mb * kMb, isRoom);
    this.#threads = new PictureThreads(config.pictures.max_waiting);
    this.#seconds = new Histogram({
      name: 'otf_picture_seconds',
      help: 'Time to make a tile, a picture or what they come of, waiting for a thread included',
      labelNames: ['stage'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30],
      registers: [metrics],
    });
  }

  get cachedBytes(): number {
    return this.#cache.bytes;
  }

  /** From now on. `failed` is told what goes wrong beside requests. */
  async open(failed: (thrown: unknown) => void): Promise<void> {
    await this.#cache.open();
    this.#sweeper = setInterval(() => this.#cache.shrink().catch(failed), kSweepMs);
    this.#sweeper.unref();
  }

  close(): Promise<void> {
    clearInterval(this.#sweeper);
    return this.#threads.close();
  }

  /** The job or upload is gone. */
  async forget(group: string): Promise<void> {
    for (const key of [...this.#described.keys()]) if (key.startsWith(`${group}/`)) this.#described.delete(key);
    await this.#cache.forget(group);
  }

  /** Throws OTF_FITS_*, OTF_TOO_LARGE, and as PictureThreads.run, as do the others. */
  describe(source: PictureSource, chosen: Chosen, client: Client): Promise<ImageDescription> {
    const key = `${nameOf(source)}/${chosen.hdu ?? ''}/${chosen.plane}`;
    const known = this.#described.get(key);
    this.#described.delete(key);
    const description = known ?? this.#describe(source, chosen, client);
    this.#described.set(key, description);
    description.catch((thrown) => {
      if (!kLasting.has(toOtfError(thrown).code) && this.#described.get(key) === description)
        this.#described.delete(key);
    });
    const [oldest] = this.#described.keys();
    if (this.#described.size > kDescribed && oldest !== undefined) this.#described.delete(oldest);
    return description;
  }

  statistics(source: PictureSource, chosen: Chosen, client: Client): Promise<PlaneStatistics> {
    return this.#withOverview(source, chosen, client, ({ overview }) =>
      this.#run('statistics', overview, { ...client, decodes: false }),
    );
  }

  /** Throws OTF_NOT_FOUND when there is no such tile. */
  async tile(
    source: PictureSource,
    chosen: Chosen,
    tile: TileAddress,
    look: Look,
    client: Client,
  ): Promise<PictureFile> {
    const { maxLevel, tilePx, width, height } = await this.describe(source, chosen, client);
    const edge = tilePx * 2 ** (maxLevel - tile.level);
    if (tile.level > maxLevel || tile.x * edge >= width || tile.y * edge >= height) {
      throw new OtfError('OTF_NOT_FOUND', `there is no tile ${tile.x},${tile.y} of level ${tile.level}`);
    }
    const name = `${tile.level}-${tile.x}-${tile.y}`;
    return this.#picture(source, chosen, client, name, look, ({ pixels, overview }, file) =>
      pixels((image, decodes) => this.#run('tile', { image, overview, look, ...tile, file }, { ...client, decodes })),
    );
  }

  whole(source: PictureSource, chosen: Chosen, maxPx: number, look: Look, client: Client): Promise<PictureFile> {
    return this.#picture(source, chosen, client, `whole-${maxPx}`, look, ({ pixels, overview }, file) =>
      pixels((image, decodes) => this.#run('whole', { image, overview, look, maxPx, file }, { ...client, decodes })),
    );
  }

  /** 0-based pixel, or an ICRS position. */
  pixel(
    source: PictureSource,
    chosen: Chosen,
    at: { x: number; y: number } | { sky: [number, number] },
    client: Client,
  ): Promise<PixelFacts> {
    return this.#withImage(source, chosen, client, ({ image, decodes }) =>
      this.#run('pixel', { image, ...at }, { ...client, decodes }),
    );
  }

  region(
    source: PictureSource,
    chosen: Chosen,
    region: Pick<Parameters<PictureWork['region']>[0], 'box' | 'roi'>,
    client: Client,
  ): Promise<PlacedRegion> {
    return this.#withImage(source, chosen, client, ({ image, decodes }) =>
      this.#run('region', { image, ...region }, { ...client, decodes }),
    );
  }

  async #describe(source: PictureSource, chosen: Chosen, { owner }: Client): Promise<ImageDescription> {
    // Others will want it, too: it goes on when whoever asked first has left.
    return this.#plain(source, { owner, decodes: false }, (path) =>
      this.#run('describe', { image: select(source, path, chosen) }, { owner, decodes: true }),
    );
  }

  /** The file itself, or what it unpacks to. */
  async #plain<T>(source: PictureSource, errand: Errand, work: (path: string) => Promise<T>): Promise<T> {
    if (!(await isGzip(source.path))) return work(source.path);
    const { max_unpacked_mb, max_unpack_ratio } = this.#config.fetch;
    const maxBytes = Math.min(max_unpacked_mb * kMb, this.#cache.limitBytes);
    const make = (file: string) => {
      const limits = { maxBytes, maxRatio: max_unpack_ratio };
      return this.#intoFile(() => this.#run('unpack', { from: source.path, file, label: source.name, limits }, errand));
    };
    return this.#cache.use(`${nameOf(source)}/plain`, make, ({ path }) => work(path));
  }

  async #withImage<T>(
    source: PictureSource,
    chosen: Chosen,
    client: Client,
    work: (opened: { image: ImageSelect; decodes: boolean }) => Promise<T>,
  ): Promise<T> {
    const { hdu, compressed } = await this.describe(source, chosen, client);
    return this.#plain(source, { owner: client.owner, decodes: false }, (path) =>
      work({ image: select(source, path, { hdu, plane: chosen.plane }), decodes: compressed }),
    );
  }

  async #withOverview<T>(
    source: PictureSource,
    chosen: Chosen,
    client: Client,
    work: (opened: Opened) => Promise<T>,
  ): Promise<T> {
    const { owner } = client;
    const { max_mpx } = this.#config.pictures;
    const { width, height } = await this.describe(source, chosen, client);
    if (width * height > max_mpx * 1e6) {
      const size = `${source.name} has ${width} x ${height} pixels`;
      throw new OtfError(
        'OTF_IMAGE_TOO_LARGE',
        `${size}: pictures are made of at most ${max_mpx} million (pictures.max_mpx)`,
      );
    }
    const bytes = width * height * kPixelBytes;
    return this.#withImage(source, chosen, client, ({ image, decodes }) => {
      const name = `${nameOf(source)}/${image.hdu}-${image.plane}`;
      const pixels: Opened['pixels'] =
        decodes && bytes <= this.#cache.limitBytes * kDecodedShare && hasRoom(this.#assertRoom, bytes)
          ? (use) => this.#decoded(name, image, owner, use)
          : (use) => use(image, decodes);
      const make = (file: string) =>
        pixels((from, decodesNow) =>
          this.#intoFile(() => this.#run('overview', { image: from, file }, { owner, decodes: decodesNow })),
        );
      return this.#cache.use(name, make, ({ path }) => work({ pixels, overview: path }));
    });
  }

  /** Every tile of a compressed plane is decoded once: a picture may need a part of many, and many pictures a part of one. */
  async #decoded<T>(name: string, image: ImageSelect, owner: string, use: Use<T>): Promise<T> {
    const make = (file: string) => this.#intoFile(() => this.#run('decode', { image, file }, { owner, decodes: true }));
    return this.#cache.use(`${name}-decoded`, make, ({ path }) => use({ ...image, path, hdu: 0, plane: 0 }, false));
  }

  async #picture(
    source: PictureSource,
    chosen: Chosen,
    client: Client,
    what: string,
    look: Look,
    make: (opened: Opened, file: string) => Promise<number>,
  ): Promise<PictureFile> {
    const { hdu } = await this.describe(source, chosen, client);
    const name = `${nameOf(source)}/${hdu}-${chosen.plane}-${what}-${lookKey(look)}`;
    const etag = createHash('sha256').update(name).digest('hex');
    for (;;) {
      try {
        return await this.#cache.use(
          name,
          (file) => this.#withOverview(source, chosen, client, (opened) => this.#intoFile(() => make(opened, file))),
          ({ path, size }) => ({ path, size, etag }),
        );
      } catch (thrown) {
        // Somebody else had asked for it first, and has left.
        if (toOtfError(thrown).code !== 'OTF_CLIENT_GONE' || client.signal.aborted) throw thrown;
      }
    }
  }

  #intoFile(make: () => Promise<number>): Promise<number> {
    return intoFile(this.#assertRoom, make);
  }

  async #run<S extends PictureStage>(
    stage: S,
    request: Parameters<PictureWork[S]>[0],
    errand: Errand,
  ): Promise<PictureValue<S>> {
    const before = performance.now();
    const value = await this.#threads.run(stage, request, errand);
    this.#seconds.observe({ stage }, (performance.now() - before) / 1000);
    return value;
  }
}

export interface PictureFile extends CachedFile {
  etag: string;
}

type Use<T> = (image: ImageSelect, decodes: boolean) => Promise<T>;

interface Opened {
  /** The plane, plain where there is room for that, as long as `use` works with it. */
  pixels: <T>(use: Use<T>) => Promise<T>;
  overview: string;
}
