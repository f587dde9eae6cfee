/** The addresses of pictures of one image: below /jobs/ID/image and /uploads/ID/image. */
import { kLookParameters } from '../pictures/look.js';
import type { Handler } from '../uws/context.js';
import type { Viewer } from '../uws/picture-source.js';
import { getImage, getPixel, getPreview, getRegion, getStatistics, getTile } from '../uws/pictures.js';
import type { Route } from './route.js';

const kAnswers = {
  400: 'a parameter is wrong; the text names it',
  404: 'no such job, upload, image or tile',
  410: 'the image is not kept here',
  413: 'it would unpack to more than may be',
  422: 'the file is no image that can be read',
  503: 'too many pictures are waited for, or the disk is full: see Retry-After',
};

export function pictureRoutes(base: string, viewer: Viewer, own: Record<string, string>): Route[] {
  const chosen = { ...own, HDU: 'of the image', PLANE: 'of a cube, 0 = first' };
  const look = Object.fromEntries(kLookParameters.map(({ name, help }) => [name, help]));
  const route = (path: string, handler: Handler, summary: string, meaning: string, query = {}): Route => ({
    path: base + path,
    tree: base.startsWith('/uws') ? '/uws' : '/jobs',
    methods: { GET: { handler, summary, query: { ...chosen, ...query }, answers: { 200: meaning, ...kAnswers } } },
  });
  return [
    route('', getImage(viewer), 'An image: header, levels of its tiles, where its pixels are on the sky', 'JSON'),
    route('/statistics', getStatistics(viewer), 'Statistics and cuts of a plane', 'JSON'),
    route('/tiles/:level/:tile', getTile(viewer), 'A tile of a level, X_Y.png', 'PNG', look),
    route('/preview.png', getPreview(viewer), 'The whole image', 'PNG', { ...look, SIZE: 'longest side, pixels' }),
    route('/pixel', getPixel(viewer), 'Value and position of a pixel', 'JSON', {
      X: 'FITS pixel',
      Y: 'FITS pixel',
      RA: 'degrees, ICRS, instead',
      DEC: 'degrees, ICRS, instead',
    }),
    route('/region', getRegion(viewer), 'The pixels of a region, and how jobs are asked for them', 'JSON', {
      BOX: 'X,Y,W,H in FITS pixels',
      ROI: 'RA,DEC,W,H instead',
    }),
  ];
}
