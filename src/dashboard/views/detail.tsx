/** One job, with all that is known of it. */
import { Box, Text } from 'ink';
import type { JobSummary } from '../../client/documents.js';
import { standing } from '../words.js';

interface Props {
  job: JobSummary | undefined;
  id: string;
  /** Undefined = being asked for. */
  facts: readonly (readonly [name: string, value: string])[] | undefined;
  /** Lines that were scrolled away. */
  skip: number;
  rows: number;
}

export function Detail({ job, id, facts, skip, rows }: Props) {
  const width = Math.min(24, Math.max(8, ...(facts ?? []).map(([name]) => name.length)));
  const shown = (facts ?? []).slice(skip, skip + rows - 2);
  return (
    <Box flexDirection="column" height={rows} overflow="hidden">
      <Text bold wrap="truncate-end">
        {job?.image ?? id} {job ? `${job.phase} ${standing(job, 20)}` : 'there is no such job any more'}
      </Text>
      {facts === undefined ? <Text dimColor>asking the server ...</Text> : null}
      {shown.map(([name, value]) => (
        <Box key={name} height={1} columnGap={1}>
          <Box width={width} flexShrink={0}>
            <Text dimColor wrap="truncate-end">
              {name}
            </Text>
          </Box>
          <Text wrap="truncate-end" {...(name === 'error' ? { color: 'red' } : {})}>
            {value}
          </Text>
        </Box>
      ))}
    </Box>
  );
}
