/** An image of the sky with what was found on it: moved and zoomed, painted as one likes, linked with the table both ways. */
import { effect } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { messageOf } from '../api/http.js';
import { type Picture, readPicture } from '../api/image.js';
import type { Selection } from '../table/selection.js';
import { Controls } from './Controls.js';
import { Hover } from './Hover.js';
import { boxBetween, type Look } from './look.js';
import { rowAt, shapesOf } from './marks.js';
import { paint } from './painter.js';
import { Readout } from './Readout.js';
import { openViewer, type SkyViewer } from './viewer.js';

interface SkyViewProps {
  look: Look;
  /** What it is a picture of. */
  label: string;
  selection?: Selection | undefined;
  /** Regions can be drawn on it. */
  regions?: boolean;
}

export function SkyView({ look, label, selection, regions = false }: SkyViewProps) {
  const picture = usePicture(look);
  if (picture === undefined) return <p class="empty">Reading the image…</p>;
  if (picture instanceof Error) return <p class="empty">{messageOf(picture)}</p>;
  return <Sky look={look} label={label} selection={selection} regions={regions} picture={picture} />;
}

function usePicture(look: Look): Picture | Error | undefined {
  const [picture, setPicture] = useState<Picture | Error>();
  const { result, hdu, plane } = look.image;
  useEffect(() => {
    const controller = new AbortController();
    const show = (read: Picture) => {
      look.openIn.value = read.openIn;
      setPicture(read);
    };
    readPicture(look.image, controller.signal).then(show, (thrown) => {
      if (!controller.signal.aborted) setPicture(thrown instanceof Error ? thrown : new Error(String(thrown)));
    });
    return () => controller.abort();
  }, [look, result, hdu, plane]);
  return picture;
}

interface Pointer {
  left: number;
  top: number;
  pixel: { x: number; y: number };
}

/** A pointer this near to the middle of a source means it, whatever its size. */
const kReachPx = 6;
const kNone = new Uint32Array(0);

function Sky({ look, label, selection, regions = false, picture }: SkyViewProps & { picture: Picture }) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewer = useRef<SkyViewer>();
  const [pointer, setPointer] = useState<Pointer>();
  const from = useRef<{ x: number; y: number }>();
  const pressed = useRef<Pointer>();
  const clicked = useRef<number>();
  const shapes = useMemo(() => selection && shapesOf(selection.catalogue, picture.header.wcs), [selection, picture]);

  const draw = () => {
    const at = viewer.current?.projection();
    const context = canvas.current?.getContext('2d');
    if (!at || !context) return;
    fit(context.canvas, at.width, at.height, context);
    paint(
      context,
      at,
      {
        shapes,
        rows: selection?.kept.peek() ?? kNone,
        form: look.form.peek(),
        current: selection?.current.peek(),
        hovered: selection?.hovered.peek(),
        region: look.region.peek(),
        grid: look.grid.peek(),
      },
      picture,
    );
  };
  const latest = useRef(draw);
  latest.current = draw;

  useEffect(() => {
    if (!place.current) return undefined;
    const opened = openViewer(place.current, label, () => latest.current());
    viewer.current = opened;
    return () => {
      viewer.current = undefined;
      opened.destroy();
    };
  }, []);
  const painting = look.painting.value ?? picture.defaults;
  useEffect(() => {
    viewer.current?.show(look.image, picture, painting);
  }, [picture, painting]);
  useEffect(
    () =>
      effect(() => {
        // Everything that is drawn: read here, so that a change of any of it draws again.
        [look.form.value, look.grid.value, look.region.value];
        [selection?.kept.value, selection?.current.value, selection?.hovered.value];
        latest.current();
      }),
    [look, selection, shapes],
  );
  useEffect(() => effect(() => viewer.current?.setMoving(!look.drawing.value)), [look]);
  // Chosen in the table: looked at here.
  useEffect(
    () =>
      effect(() => {
        const row = selection?.current.value;
        // What was chosen here is in view.
        const here = row === clicked.current;
        clicked.current = undefined;
        if (row !== undefined && shapes && !here) viewer.current?.goTo(shapes.x[row] ?? 0, shapes.y[row] ?? 0);
      }),
    [selection, shapes],
  );

  /** Undefined on the buttons that lie over the picture, too. */
  const pointAt = (event: PointerEvent): Pointer | undefined => {
    const box = place.current?.getBoundingClientRect();
    if (!box || (event.target instanceof Element && event.target.closest('.sky-zoom'))) return undefined;
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const pixel = viewer.current?.pixelAt(left, top);
    return pixel && { left, top, pixel };
  };
  const rowUnder = ({ pixel }: Pointer): number | undefined => {
    const scale = viewer.current?.projection()?.scale ?? 1;
    return shapes && selection ? rowAt(shapes, selection.kept.peek(), pixel.x, pixel.y, kReachPx / scale) : undefined;
  };
  const move = (event: PointerEvent) => {
    const at = pointAt(event);
    setPointer(at);
    if (!at) return;
    if (from.current) look.region.value = boxBetween(from.current, at.pixel, picture);
    else if (selection) selection.hovered.value = rowUnder(at);
  };
  const down = (event: PointerEvent) => {
    const at = pointAt(event);
    if (!at) return;
    pressed.current = at;
    if (!look.drawing.peek()) return;
    from.current = at.pixel;
    place.current?.setPointerCapture(event.pointerId);
  };
  const up = (event: PointerEvent) => {
    const at = pointAt(event);
    if (from.current && at) {
      look.region.value = boxBetween(from.current, at.pixel, picture);
      look.drawing.value = false;
    } else if (at && selection && isClick(pressed.current, at)) {
      clicked.current = rowUnder(at);
      selection.current.value = clicked.current;
    }
    from.current = undefined;
  };
  const leave = () => {
    setPointer(undefined);
    if (selection) selection.hovered.value = undefined;
  };

  return (
    <div class="sky">
      <Controls look={look} picture={picture} marks={shapes !== undefined} regions={regions} />
      <div
        class={look.drawing.value ? 'sky-frame drawing' : 'sky-frame'}
        onPointerMove={move}
        onPointerDownCapture={down}
        onPointerUpCapture={up}
        onPointerLeave={leave}
      >
        <div ref={place} class="sky-place" />
        <canvas ref={canvas} class="sky-over" />
        {selection && pointer && <Hover selection={selection} left={pointer.left} top={pointer.top} />}
        <div class="sky-zoom">
          <button type="button" aria-label="Zoom in" onClick={() => viewer.current?.zoomBy(2)}>
            +
          </button>
          <button type="button" aria-label="Zoom out" onClick={() => viewer.current?.zoomBy(0.5)}>
            −
          </button>
          <button type="button" aria-label="All of the image" onClick={() => viewer.current?.home()}>
            All
          </button>
        </div>
      </div>
      <Readout image={look.image} picture={picture} pixel={pointer?.pixel} />
      {picture.header.warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings about the image">
          {picture.header.warnings.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

const kClickPx = 4;

function isClick(down: Pointer | undefined, up: Pointer): boolean {
  return down !== undefined && Math.hypot(down.left - up.left, down.top - up.top) < kClickPx;
}

/** As many pixels as the screen has. */
function fit(canvas: HTMLCanvasElement, width: number, height: number, context: CanvasRenderingContext2D): void {
  const ratio = devicePixelRatio;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}
