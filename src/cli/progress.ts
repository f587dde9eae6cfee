/** A progress bar on stderr, when that is a terminal; nothing at all otherwise. */
import { SingleBar } from 'cli-progress';

export interface ProgressBar {
  update: (done: number, total: number) => void;
  stop: () => void;
}

export function progressBar(unit: string): ProgressBar {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: `{bar} {percentage}% | {value}/{total} ${unit} | {rate} ${unit}/s | {left} left`,
    stream: process.stderr,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    // Hidden, it would stay hidden after Ctrl-C.
    hideCursor: false,
    clearOnComplete: true,
    stopOnComplete: false,
  });
  const started = performance.now();
  let running = false;
  let stopped = false;
  return {
    update(done, total) {
      // A report of the native side may arrive after its promise: it must not start the bar (and its timer) again.
      if (stopped) return;
      if (!running) bar.start(total, 0, { rate: '-', left: '-' });
      running = true;
      const seconds = (performance.now() - started) / 1000;
      const rate = done / seconds;
      const left = done > 0 ? clock((total - done) / rate) : '-';
      bar.setTotal(total);
      bar.update(done, { rate: rate.toPrecision(3), left });
    },
    stop() {
      if (running) bar.stop();
      running = false;
      stopped = true;
    },
  };
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
