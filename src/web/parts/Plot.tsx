/** A plot by uPlot that fills its place and follows the theme; for those who do not see it, a sentence. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { theme } from '../state/theme.js';
import { number } from './shown.js';

interface PlotProps {
  /** What it shows, as a sentence. */
  label: string;
  height: number;
  data: uPlot.AlignedData;
  /** Everything but the size; made anew when the theme changes. */
  options: (colours: Colours) => Omit<uPlot.Options, 'width' | 'height'>;
}

export interface Colours {
  text: string;
  line: string;
  accent: string;
  soft: string;
}

function coloursNow(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { text: of('--text'), line: of('--line'), accent: of('--accent'), soft: of('--line-strong') };
}

export function Plot({ label, height, data, options }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const latest = useRef(data);
  latest.current = data;
  const colours = theme.value;
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const made = new uPlot({ ...options(coloursNow()), width: element.clientWidth, height }, latest.current, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [colours, options, height]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} class="plot" role="img" aria-label={label} />;
}

/** Ticks as numbers; uPlot leaves those of logarithmic axes empty between the powers. */
export function tickNumbers(_: uPlot, ticks: (number | null)[]): string[] {
  return ticks.map((tick) => (tick === null ? '' : number(tick, 2)));
}

/** Ticks in seconds since 1970 as local time. */
export function tickTimes(_: uPlot, ticks: number[]): string[] {
  return ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString([], { hour12: false }));
}

/** Axes in the colours of the theme. */
export function axis({ text, line }: Colours, more: uPlot.Axis = {}): uPlot.Axis {
  return { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: '12px sans-serif', ...more };
}
