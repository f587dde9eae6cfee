/** What runs where: queues with the batch that is being formed, networks on devices, GPUs. */
import { Box, Text } from 'ink';
import type { ServerView } from '../server-view.js';
import { bar, bytes, queueLine, workerLine } from '../words.js';

interface Props {
  server: ServerView | undefined;
  nowMs: number;
  rows: number;
}

interface Line {
  head: string;
  text: string;
  bad?: boolean;
}

/** At most `rows` lines; the last one says how many there was no room for. */
export function machineLines(server: ServerView | undefined, nowMs: number): Line[] {
  if (!server) return [{ head: 'server', text: 'nothing is known of it' }];
  const queues = server.queues.map((queue) => ({
    head: `queue ${queue.key}`,
    text: queueLine(queue, server.maxBatch, nowMs),
  }));
  const workers = server.workers?.map((worker) => ({
    head: `worker ${worker.name}`,
    text: workerLine(worker),
    bad: worker.lost > 0,
  }));
  const nobody = workers?.length === 0 ? [{ head: 'workers', text: 'none is heard of: jobs wait', bad: true }] : [];
  const networks = server.networks.map(({ device, busy, key, engine, runsOn, memoryBytes, loaded, restarts }) => {
    const died = restarts === 0 ? '' : `, restarted ${restarts} times`;
    const state = loaded ? (busy ? 'busy' : 'idle') : 'being started';
    const where = device === 'auto' ? '' : `${device}: `;
    return {
      head: `${where}${key}`,
      text: `${engine || 'engine'}, ${state}, ${bytes(memoryBytes)}${died}; ${runsOn}`,
      bad: restarts > 0,
    };
  });
  const idle = server.idleDevices.map((name) => ({ head: `device ${name}`, text: 'no network is loaded' }));
  const gpus = server.gpus.map(({ gpu, name, load, memoryUsedBytes, memoryTotalBytes }) => ({
    head: `GPU ${gpu}`,
    text: `${bar(load, 1, 10)} ${Math.round(load * 100)} %, ${bytes(memoryUsedBytes)} of ${bytes(memoryTotalBytes)}; ${name}`,
  }));
  const nothing = queues.length === 0 ? [{ head: 'queues', text: 'nobody waits' }] : [];
  return [...queues, ...nothing, ...(workers ?? []), ...nobody, ...networks, ...idle, ...gpus];
}

export function Machine({ server, nowMs, rows }: Props) {
  const all = machineLines(server, nowMs);
  const shown = all.length > rows ? all.slice(0, rows - 1) : all;
  const left = all.length - shown.length;
  return (
    <Box flexDirection="column" height={rows} overflow="hidden">
      {shown.map(({ head, text, bad }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and are drawn anew each time
        <Text key={index} wrap="truncate-end">
          <Text bold>{head}</Text>{' '}
          <Text dimColor={bad !== true} {...(bad ? { color: 'yellow' } : {})}>
            {text}
          </Text>
        </Text>
      ))}
      {left > 0 ? <Text dimColor>... and {left} more</Text> : null}
    </Box>
  );
}
