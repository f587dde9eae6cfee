/** Pictures of the image of a job or an upload: what a page needs to show it, and where things are in it. */
import { OtfError } from '../errors/catalogue.js';
import { kColourMaps, kLookDefaults, kNamedCuts, kStretches, readLook } from '../pictures/look.js';
import type { PictureFile } from '../pictures/service.js';
import type { PictureSource } from '../pictures/source.js';
import { nativeBox, nativePixel } from '../results/pixels.js';
import { kBoxParameter, skyRegion } from '../tasks/detection/region.js';
import { type ParameterDescription, readParameter, readParts } from '../tasks/parameters.js';
import type { Handler, UwsContext } from './context.js';
import { type Answer, json, type Request } from './exchange.js';
import { openIn } from './open-in.js';
import { badRequest, Parameters } from './parameters.js';
import { gridJson, headerJson, pixelJson, regionJson } from './picture-documents.js';
import type { Viewed, Viewer } from './picture-source.js';

type View = (context: UwsContext, request: Request, viewed: Viewed, given: Parameters) => Promise<Answer>;

/** A handler for images of one sort of owner. */
function viewing(view: View): (viewer: Viewer) => Handler {
  return (viewer) => async (context, request) => {
    const given = Parameters.fromQuery(request.query, context.config.server.max_text);
    return view(context, request, await viewer(context, request, given), given);
  };
}

export const getImage = viewing(async ({ pictures, config }, _, { source, chosen, client, href, query, bytes }) => {
  const image = await pictures.describe(source, chosen, client);
  const address = (path: string) => `${href}/${path}${query === '' ? '' : `?${query}`}`;
  const { width, height, hdu, tilePx, maxLevel } = image;
  return json(200, {
    header: headerJson(image),
    hdu,
    plane: chosen.plane,
    width,
    height,
    tileSize: tilePx,
    minLevel: 0,
    maxLevel,
    tiles: address('tiles/{level}/{x}_{y}.png'),
    preview: address('preview.png'),
    statistics: address('statistics'),
    pixel: address('pixel'),
    region: address('region'),
    stretches: kStretches,
    colours: kColourMaps,
    cuts: kNamedCuts,
    defaults: kLookDefaults,
    grid: gridJson(image.grid),
    openIn: openIn(config.pictures.open_in, source.path, bytes),
  });
});

export const getStatistics = viewing(async ({ pictures }, _, { source, chosen, client }) => {
  const { finite, blank, sampled, ...found } = await pictures.statistics(source, chosen, client);
  const nothing = { min: null, max: null, mean: null, std: null, median: null, cuts: null, histogram: null };
  return json(200, { finite, blank, sampled, ...nothing, ...found });
});

const kTile = /^(\d{1,7})_(\d{1,7})\.png$/;

export const getTile = viewing(async ({ pictures }, request, { source, chosen, client }, given) => {
  const [level = '', tile = ''] = request.variables.slice(1);
  const [, x, y] = kTile.exec(tile) ?? [];
  if (!/^\d{1,2}$/.test(level) || x === undefined || y === undefined) {
    throw new OtfError('OTF_NOT_FOUND', 'a tile is tiles/LEVEL/X_Y.png');
  }
  const address = { level: Number(level), x: Number(x), y: Number(y) };
  return pngAnswer(source, await pictures.tile(source, chosen, address, readLook(given), client));
});

const kSize: ParameterDescription = { name: 'SIZE', type: 'integer', min: 16, max: 4096, help: 'longest side, pixels' };
const kDefaultSizePx = 1024;

export const getPreview = viewing(async ({ pictures }, _, { source, chosen, client }, given) => {
  const maxPx = (readParameter(kSize, given) as number | undefined) ?? kDefaultSizePx;
  return pngAnswer(source, await pictures.whole(source, chosen, maxPx, readLook(given), client));
});

/** The address says everything else. */
function pngAnswer({ fixed }: PictureSource, { path, size, etag }: PictureFile): Answer {
  const headers = { 'Cache-Control': fixed ? 'private, max-age=31536000, immutable' : 'private, no-cache' };
  return { kind: 'file', path, mime: 'image/png', size, etag, headers };
}

const kFar = 1e9;
const kX: ParameterDescription = { name: 'X', type: 'real', min: -kFar, max: kFar, help: 'FITS pixel' };
const kY: ParameterDescription = { name: 'Y', type: 'real', min: -kFar, max: kFar, help: 'FITS pixel' };
const kRa: ParameterDescription = { name: 'RA', type: 'real', min: 0, max: 360, unit: 'deg', help: 'ICRS' };
const kDec: ParameterDescription = { name: 'DEC', type: 'real', min: -90, max: 90, unit: 'deg', help: 'ICRS' };

export const getPixel = viewing(async ({ pictures }, _, { source, chosen, client }, given) => {
  const [x, y, ra, dec] = [kX, kY, kRa, kDec].map((each) => readParameter(each, given) as number | undefined);
  if (x !== undefined && y !== undefined && ra === undefined && dec === undefined) {
    return json(200, pixelJson(await pictures.pixel(source, chosen, { x: nativePixel(x), y: nativePixel(y) }, client)));
  }
  if (ra !== undefined && dec !== undefined && x === undefined && y === undefined) {
    return json(200, pixelJson(await pictures.pixel(source, chosen, { sky: [ra, dec] }, client)));
  }
  throw badRequest('give X and Y (FITS pixels), or RA and DEC (degrees, ICRS)');
});

type Four = [number, number, number, number];

export const getRegion = viewing(async ({ pictures }, _, { source, chosen, client }, given) => {
  const [box, roi] = [given.single('BOX'), given.single('ROI')];
  if ((box === undefined) === (roi === undefined)) throw badRequest('give BOX=X,Y,W,H or ROI=RA,DEC,W,H');
  const region =
    box === undefined ? { roi: skyRegion(roi ?? '') } : { box: nativeBox(readParts(kBoxParameter, box) as Four) };
  return json(200, regionJson(await pictures.region(source, chosen, region, client)));
});
