/** What the threads that make pictures are asked for: plain values; pictures go into files. */
import type {
  ImageDescription,
  ImageSelect,
  PictureAddon,
  PictureRequest,
  PixelFacts,
  PlacedRegion,
  PlaneStatistics,
  TileRequest,
} from '../engine/addon.js';
import type { UnpackLimits } from '../fetch/unpack.js';

interface IntoFile {
  file: string;
}

/** Those with a file give its size. */
export interface PictureWork {
  unpack: (request: { from: string; label: string; limits: UnpackLimits } & IntoFile) => Promise<number>;
  describe: (request: { image: ImageSelect }) => ImageDescription;
  /** A compressed plane as plain pixels. */
  decode: (request: { image: ImageSelect } & IntoFile) => Promise<number>;
  overview: (request: { image: ImageSelect } & IntoFile) => Promise<number>;
  statistics: (file: string) => PlaneStatistics;
  tile: (request: TileRequest & IntoFile) => Promise<number>;
  whole: (request: PictureRequest & IntoFile) => Promise<number>;
  pixel: (request: Parameters<PictureAddon['pixelAt']>[0]) => PixelFacts;
  region: (request: Parameters<PictureAddon['placeRegion']>[0]) => PlacedRegion;
}

export type PictureStage = keyof PictureWork;

export interface PictureOrder<S extends PictureStage> {
  stage: S;
  request: Parameters<PictureWork[S]>[0];
}

export type PictureValue<S extends PictureStage> = Awaited<ReturnType<PictureWork[S]>>;
