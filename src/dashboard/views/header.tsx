/** The two lines at the top: where, since when, whether there is a connection; how many jobs, how fast, how much room. */
import { Box, Text } from 'ink';
import type { Model } from '../model.js';
import { age, bytes, sparkline } from '../words.js';

interface Props {
  model: Model;
  url: string;
  nowMs: number;
  columns: number;
}

/** Of the message that a server has come back. */
const kReturnedMs = 10_000;
const kPhases = [
  ['EXECUTING', 'running'],
  ['QUEUED', 'queued'],
  ['PENDING', 'pending'],
  ['COMPLETED', 'done'],
  ['ERROR', 'failed'],
  ['ABORTED', 'aborted'],
] as const;

export function Header({ model, url, nowMs, columns }: Props) {
  const { server } = model;
  const up = server && Number.isFinite(server.startedMs) ? `up ${age(nowMs - server.startedMs)}` : '';
  return (
    <Box flexDirection="column">
      <Box justifyContent="space-between">
        <Text wrap="truncate-end">
          <Text bold>cianna-otf {server?.version ?? ''}</Text> {url} <Standing model={model} nowMs={nowMs} />
        </Text>
        <Box flexShrink={0} marginLeft={1}>
          <Text dimColor>{up}</Text>
        </Box>
      </Box>
      <Counts model={model} columns={columns} />
    </Box>
  );
}

function Standing({ model, nowMs }: Pick<Props, 'model' | 'nowMs'>) {
  const { connection, server, returnedMs } = model;
  if (connection.state === 'connecting') return <Text color="yellow">connecting</Text>;
  if (connection.state === 'lost') {
    const since = age(nowMs - connection.sinceMs);
    return (
      <Text color="red">
        GONE {since}, retrying: {connection.reason}
      </Text>
    );
  }
  if (server && !server.ready) return <Text color="yellow">not ready</Text>;
  if (returnedMs !== undefined && nowMs - returnedMs < kReturnedMs) return <Text color="green">there again</Text>;
  return <Text color="green">connected</Text>;
}

function Counts({ model, columns }: Pick<Props, 'model' | 'columns'>) {
  const { server, rates } = model;
  const counts = kPhases.flatMap(([phase, word]) => {
    const count = server?.jobs.get(phase) ?? 0;
    return count > 0 ? [`${count} ${word}`] : [];
  });
  const width = Math.max(8, Math.min(60, columns - 66));
  return (
    <Box justifyContent="space-between">
      <Text wrap="truncate-end">{server ? counts.join(', ') || 'no jobs' : ' '}</Text>
      <Box flexShrink={0} marginLeft={1}>
        <Text>
          {server ? `${server.itemsPerSecond.toFixed(1)} tiles/s ` : ''}
          <Text color="cyan">{sparkline(rates, width)}</Text>
          {server ? ` ${bytes(server.freeBytes)} free` : ''}
        </Text>
      </Box>
    </Box>
  );
}
