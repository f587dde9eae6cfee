/** The list of jobs, a line each: as many as there is room for, around the one that is chosen. */
import { Box, Text } from 'ink';
import type { JobSummary } from '../../client/documents.js';
import { standing, timeOf } from '../words.js';

interface Props {
  jobs: readonly JobSummary[];
  chosen: string | undefined;
  rows: number;
  columns: number;
  nowMs: number;
  title: string;
}

const kColours = new Map([
  ['EXECUTING', 'cyan'],
  ['QUEUED', 'yellow'],
  ['COMPLETED', 'green'],
  ['ERROR', 'red'],
  ['ABORTED', 'magenta'],
]);

/** Columns of the list: what is left goes to image, model and standing. */
function widthsOf(columns: number) {
  const fixed = { mark: 1, id: 8, phase: 9, batch: 9, time: 9 };
  const gaps = 7;
  const left = columns - gaps - Object.values(fixed).reduce((sum, width) => sum + width, 0);
  const image = Math.max(8, Math.floor(left * 0.36));
  const model = Math.max(6, Math.floor(left * 0.26));
  return { ...fixed, image, model, standing: Math.max(8, left - image - model) };
}

type Widths = ReturnType<typeof widthsOf>;

export function Jobs({ jobs, chosen, rows, columns, nowMs, title }: Props) {
  const widths = widthsOf(columns);
  const at = Math.max(
    0,
    jobs.findIndex(({ id }) => id === chosen),
  );
  const from = Math.max(0, Math.min(at - Math.floor(rows / 2), jobs.length - rows));
  const shown = jobs.slice(from, from + rows);
  return (
    <Box flexDirection="column" height={rows + 1} overflow="hidden">
      <Row widths={widths} cells={['', 'job', 'image', 'model', 'phase', 'batch', title, 'time']} bold />
      {shown.map((job) => (
        <JobRow key={job.id} job={job} widths={widths} chosen={job.id === chosen} nowMs={nowMs} />
      ))}
    </Box>
  );
}

function JobRow({ job, widths, chosen, nowMs }: { job: JobSummary; widths: Widths; chosen: boolean; nowMs: number }) {
  const barWidth = Math.max(4, Math.min(20, widths.standing - 8));
  const { batch } = job;
  const cells = [
    ...[chosen ? '>' : '', job.id, job.image ?? '', job.model ?? '', job.phase],
    ...[batch ? `${batch.size} ${batch.reason}` : '', standing(job, barWidth), timeOf(job, nowMs)],
  ];
  return <Row widths={widths} cells={cells} colour={kColours.get(job.phase)} inverse={chosen} />;
}

interface RowProps {
  widths: Widths;
  cells: readonly string[];
  colour?: string | undefined;
  bold?: boolean;
  inverse?: boolean;
}

const kOrder = ['mark', 'id', 'image', 'model', 'phase', 'batch', 'standing', 'time'] as const;

function Row({ widths, cells, colour, bold = false, inverse = false }: RowProps) {
  return (
    <Box columnGap={1} height={1} flexShrink={0}>
      {kOrder.map((name, index) => (
        <Box
          key={name}
          width={widths[name]}
          flexShrink={0}
          justifyContent={name === 'time' ? 'flex-end' : 'flex-start'}
        >
          <Text
            wrap={name === 'id' ? 'truncate' : 'truncate-end'}
            bold={bold}
            inverse={inverse && name === 'id'}
            {...(colour !== undefined && name === 'phase' ? { color: colour } : {})}
          >
            {name === 'id' ? (cells[index] ?? '').slice(0, widths.id) : cells[index]}
          </Text>
        </Box>
      ))}
    </Box>
  );
}
