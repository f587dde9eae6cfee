/** OpenSeadragon over the server's tiles, and where pixels of the image are on its screen. */
import OpenSeadragon from 'openseadragon';
import { type ImageId, type Painting, type Picture, tileAddress } from '../api/image.js';
import type { Projection } from './painter.js';

export interface SkyViewer {
  /** Repainted: the same place stays in view. */
  show: (image: ImageId, picture: Picture, painting: Painting) => void;
  projection: () => Projection | undefined;
  /** FITS pixels at a point of the element. */
  pixelAt: (left: number, top: number) => { x: number; y: number } | undefined;
  goTo: (x: number, y: number) => void;
  zoomBy: (factor: number) => void;
  home: () => void;
  /** Dragging moves the picture; otherwise it is left to whoever draws on it. */
  setMoving: (on: boolean) => void;
  destroy: () => void;
}

const kMostZoom = 24;
/** Zoom at which a chosen source is looked at: screen pixels for one of the image. */
const kLookZoom = 4;

/**
 * OpenSeadragon adds a style sheet to the document where it finds none of its own: the policy of the page forbids that, and
 * hiding the focus is no loss. An inert element of that name makes it leave the document alone.
 */
function keepStylesOut(): void {
  if (document.querySelector('style[data-openseadragon-mobile-css]')) return;
  const inert = document.createElementNS('urn:cianna-otf:inert', 'style');
  inert.setAttribute('data-openseadragon-mobile-css', 'true');
  document.head.append(inert);
}

export function openViewer(element: HTMLElement, label: string, onChange: () => void): SkyViewer {
  keepStylesOut();
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const viewer = OpenSeadragon({
    element,
    drawer: 'canvas',
    showNavigationControl: false,
    showNavigator: false,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    animationTime: still ? 0 : 0.35,
    blendTime: 0,
    immediateRender: true,
    imageSmoothingEnabled: false,
    maxZoomPixelRatio: kMostZoom,
    minZoomImageRatio: 0.5,
    visibilityRatio: 0.5,
    timeout: 120_000,
  });
  viewer.canvas.setAttribute('role', 'application');
  viewer.canvas.setAttribute('aria-label', `${label}: arrow keys move, + and - zoom, 0 shows all of it`);
  // All of the picture stays in view when its place changes, until somebody moves it.
  let whole = true;
  for (const event of ['canvas-drag', 'canvas-scroll', 'canvas-pinch', 'canvas-double-click', 'canvas-key'] as const)
    viewer.addHandler(event, () => (whole = false));
  // OpenSeadragon zooms by itself once its handlers are through.
  viewer.addHandler('after-resize', () => queueMicrotask(() => whole && viewer.viewport?.goHome(true)));
  for (const event of ['update-viewport', 'open', 'resize'] as const) viewer.addHandler(event, onChange);
  let shown: Picture | undefined;
  let wanted: { x: number; y: number } | undefined;
  const item = () => viewer.world.getItemAt(0);

  const show = (image: ImageId, picture: Picture, painting: Painting) => {
    const { width, height, tileSize, minLevel, maxLevel } = picture;
    const same = shown?.width === width && shown.height === height && viewer.world.getItemCount() > 0;
    const bounds = same ? viewer.viewport.getBounds(false) : undefined;
    shown = picture;
    const getTileUrl = (level: number, x: number, y: number) => tileAddress(image, painting, level, x, y);
    viewer.addOnceHandler('open', () => {
      if (bounds) viewer.viewport.fitBounds(bounds, true);
    });
    viewer.open({ tileSource: { width, height, tileSize, minLevel, maxLevel, getTileUrl } });
  };

  const projection = (): Projection | undefined => {
    const tiled = item();
    if (!tiled || !shown) return undefined;
    const origin = tiled.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
    const far = tiled.imageToViewerElementCoordinates(new OpenSeadragon.Point(shown.width, 0));
    const scale = (far.x - origin.x) / shown.width;
    const { clientWidth: width, clientHeight: height } = element;
    const picture = shown;
    // Pictures count from the outer corner at the top, FITS from the middle of the first pixel at the bottom.
    const toX = (x: number) => origin.x + (x - 0.5) * scale;
    const toY = (y: number) => origin.y + (picture.height - y + 0.5) * scale;
    const fromX = (left: number) => (left - origin.x) / scale + 0.5;
    const fromY = (top: number) => picture.height - (top - origin.y) / scale + 0.5;
    const view = {
      left: Math.max(0.5, fromX(0)),
      right: Math.min(picture.width + 0.5, fromX(width)),
      bottom: Math.max(0.5, fromY(height)),
      top: Math.min(picture.height + 0.5, fromY(0)),
    };
    return { width, height, scale, toX, toY, view };
  };

  const goTo = (x: number, y: number) => {
    const tiled = item();
    wanted = tiled ? undefined : { x, y };
    if (!tiled || !shown) return;
    whole = false;
    const point = tiled.imageToViewportCoordinates(x - 0.5, shown.height - y + 0.5);
    const zoom = tiled.imageToViewportZoom(kLookZoom);
    viewer.viewport.panTo(point, still);
    if (viewer.viewport.getZoom() < zoom) viewer.viewport.zoomTo(zoom, undefined, still);
  };
  // Chosen before there was a picture.
  viewer.addHandler('open', () => {
    if (wanted) goTo(wanted.x, wanted.y);
  });

  return {
    show,
    projection,
    pixelAt: (left, top) => {
      const at = projection();
      if (!at || !shown) return undefined;
      return {
        x: (left - at.toX(0.5)) / at.scale + 0.5,
        y: shown.height + 0.5 - (top - at.toY(shown.height + 0.5)) / at.scale,
      };
    },
    goTo,
    zoomBy: (factor) => {
      whole = false;
      viewer.viewport.zoomBy(factor);
      viewer.viewport.applyConstraints();
    },
    home: () => {
      whole = true;
      viewer.viewport.goHome(still);
    },
    setMoving: (on) => viewer.setMouseNavEnabled(on),
    destroy: () => viewer.destroy(),
  };
}
