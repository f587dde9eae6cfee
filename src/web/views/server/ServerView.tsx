/** The server: what waits, what is loaded where, how fast it goes, how full it is. Live. */
import { useCallback, useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Gpu, Queue, ServerState } from '../../api/server.js';
import { Facts } from '../../parts/Facts.js';
import { axis, type Colours, Plot, tickTimes } from '../../parts/Plot.js';
import { bytes, duration, instant, number } from '../../parts/shown.js';
import { server } from '../../state/jobs.js';
import { rates } from '../../state/rates.js';
import { Devices } from './Devices.js';
import { Workers } from './Workers.js';

export function ServerView() {
  const state = server.value;
  if (!state) return <p class="empty">Waiting for the server…</p>;
  return (
    <div class="server">
      <h1>Server</h1>
      <State state={state} />
      <section aria-labelledby="rate-title">
        <h2 id="rate-title">Throughput</h2>
        <Throughput />
      </section>
      <Queues queues={state.queues} maxBatch={state.maxBatch} />
      {state.workers && <Workers workers={state.workers} />}
      <Devices devices={state.devices} />
      {state.gpus.length > 0 && <Gpus gpus={state.gpus} />}
    </div>
  );
}

function State({ state }: { state: ServerState }) {
  const { software, startedAt, ready, jobs, storedBytes, freeBytes, executing } = state;
  const waiting = jobs.QUEUED ?? 0;
  return (
    <section aria-labelledby="state-title">
      <h2 id="state-title">State</h2>
      <Facts
        facts={[
          ['Program', `${software.name} ${software.version}`],
          ['Up since', instant(startedAt)],
          ['Takes jobs', ready ? 'yes' : 'no: see the log of the server'],
          ['Running', `${executing}`],
          ['Waiting', `${waiting}`],
          ['Completed, failed, aborted', `${jobs.COMPLETED ?? 0}, ${jobs.ERROR ?? 0}, ${jobs.ABORTED ?? 0}`],
          ['Kept', bytes(storedBytes)],
          ['Free on the disk', bytes(freeBytes)],
        ]}
      />
    </section>
  );
}

function Throughput() {
  const samples = rates.value;
  const data = useMemo(
    (): uPlot.AlignedData => [
      samples.map(({ timeMs }) => timeMs / 1000),
      samples.map(({ itemsPerSecond }) => itemsPerSecond),
    ],
    [samples],
  );
  const options = useCallback(
    (colours: Colours) => ({
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_: uPlot, __: number, high: number): [number, number] => [0, Math.max(1, high * 1.1)] } },
      axes: [axis(colours, { values: tickTimes }), axis(colours, { label: 'items/s', labelSize: 18, size: 50 })],
      series: [{}, { stroke: colours.accent, fill: `${colours.accent}33`, width: 2, points: { show: false } }],
    }),
    [],
  );
  const now = samples.at(-1)?.itemsPerSecond ?? 0;
  return (
    <>
      <p>
        <strong>{number(now, 3)}</strong> items/s{' '}
        <span class="small">over the last ten seconds; drawn: the last hour</span>
      </p>
      <Plot label={`Items per second; now ${number(now, 3)}`} height={180} data={data} options={options} />
    </>
  );
}

/** Why a batch has not left yet. */
const kWhy: Readonly<Record<string, string>> = {
  busy: 'waits for a device, or until it is full',
  opening: 'the one before is being opened',
  alone: 'a job that a crash interrupted runs alone',
  short: 'the machine ran short of something for a moment',
};

function Queues({ queues, maxBatch }: { queues: Queue[]; maxBatch: number }) {
  const waiting = queues.filter((queue) => queue.waiting > 0);
  return (
    <section aria-labelledby="queues-title">
      <h2 id="queues-title">Queues</h2>
      {waiting.length === 0 ? (
        <p class="small">Nothing waits.</p>
      ) : (
        <ul class="files">
          {waiting.map(({ key, waiting: count, oldestMs, why, batch, leavesMs }) => (
            <li key={key}>
              <strong>{key}</strong>: {count} {count === 1 ? 'job' : 'jobs'}, the oldest for{' '}
              {duration(Date.now() - oldestMs)}; next batch {batch} of at most {maxBatch}: {kWhy[why] ?? why}
              {leavesMs === undefined ? '' : `, in ${duration(leavesMs - Date.now())} at the latest`}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Gpus({ gpus }: { gpus: Gpu[] }) {
  return (
    <section aria-labelledby="gpus-title">
      <h2 id="gpus-title">GPUs</h2>
      {gpus.map(({ gpu, name, load, memoryUsedBytes, memoryTotalBytes }) => (
        <div key={gpu}>
          <h3>
            {gpu}: {name}
          </h3>
          <Meter label={`Load of GPU ${gpu}`} value={load} text={`${Math.round(load * 100)} % busy`} />
          <Meter
            label={`Memory of GPU ${gpu}`}
            value={memoryUsedBytes / memoryTotalBytes}
            text={`${bytes(memoryUsedBytes)} of ${bytes(memoryTotalBytes)}`}
          />
        </div>
      ))}
    </section>
  );
}

function Meter({ label, value, text }: { label: string; value: number; text: string }) {
  return (
    <p class="row">
      <meter min={0} max={1} value={value} aria-label={label} />
      <span class="small">{text}</span>
    </p>
  );
}
