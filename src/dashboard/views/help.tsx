/** The keys: one line at the bottom, and the page that says more. */
import { Box, Text } from 'ink';

export const kKeys: readonly (readonly [key: string, short: string, long: string])[] = [
  ['↑↓', 'move', 'or j and k; PgUp, PgDn: a page; g, G: the first, the last'],
  ['⏎', 'open', 'all that is known of the job; there w writes its catalogue into this folder, Esc goes back'],
  ['s', 'submit', 'send an image'],
  ['a', 'abort', 'the chosen job, after y'],
  ['d', 'delete', 'the chosen job and its files, after y'],
  ['f', 'phase', 'show all, active, executing, queued, completed, failed, aborted jobs, in turn'],
  ['o', 'owner', 'show the jobs of everybody, then of each owner in turn'],
  ['e', 'load', 'emulate a load: so many jobs, at an interval, some of them aborted; again: stop it'],
  ['?', 'help', 'this page'],
  ['q', 'quit', 'or Ctrl-C: jobs go on'],
];

export function Keys({ narrow }: { narrow: boolean }) {
  return (
    <Text wrap="truncate-end">
      {kKeys.map(([key, short]) => (
        <Text key={key}>
          <Text bold>{key}</Text> {short}
          {narrow ? ' ' : '  '}
        </Text>
      ))}
    </Text>
  );
}

export function Help({ rows }: { rows: number }) {
  return (
    <Box flexDirection="column" height={rows} overflow="hidden">
      <Text bold>Keys</Text>
      {kKeys.map(([key, short, long]) => (
        <Box key={key} columnGap={1}>
          <Box width={3} flexShrink={0}>
            <Text bold>{key}</Text>
          </Box>
          <Box width={8} flexShrink={0}>
            <Text>{short}</Text>
          </Box>
          <Text wrap="wrap">{long}</Text>
        </Box>
      ))}
      <Text> </Text>
      <Text wrap="wrap">
        The batch column says how many jobs ran together and why they were released: full, waited, idle (nothing else to
        do), alone. Times of ended jobs are how long they ran. Any key goes back.
      </Text>
    </Box>
  );
}
