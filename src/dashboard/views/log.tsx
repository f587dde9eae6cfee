/** The end of the log: phases of jobs, and lines of theirs. */
import { Box, Text } from 'ink';
import type { LogLine } from '../model.js';
import { clock } from '../words.js';

const kColours = new Map([
  ['warn', 'yellow'],
  ['error', 'red'],
]);

export function Log({ lines, rows }: { lines: readonly LogLine[]; rows: number }) {
  const shown = lines.slice(Math.max(0, lines.length - rows));
  return (
    <Box flexDirection="column" height={rows} overflow="hidden">
      {shown.map(({ timeMs, jobId, level, text }, index) => {
        const colour = kColours.get(level);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name of their own
          <Text key={index} wrap="truncate-end" {...(colour === undefined ? {} : { color: colour })}>
            <Text dimColor>
              {clock(timeMs)} {jobId.slice(0, 8).padEnd(8)}
            </Text>{' '}
            {text}
          </Text>
        );
      })}
    </Box>
  );
}
