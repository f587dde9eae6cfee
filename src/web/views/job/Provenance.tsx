/** How the result came to be, drawn; the same in words for those who do not see it, and as files. */
import { useEffect, useState } from 'preact/hooks';
import { type JobDetails, resultAddress, type Summary } from '../../api/jobs.js';
import { type Arrow, type Graph, type Node, readProvenance } from '../../api/provenance.js';
import { attempt } from '../../state/notices.js';

const kBoxWide = 210;
const kBoxHigh = 44;
const kGapX = 110;
const kGapY = 20;

export function Provenance({ job, details }: { job: Summary; details: JobDetails }) {
  const [graph, setGraph] = useState<Graph>();
  const files = details.results.filter(({ id }) => id.startsWith('prov'));
  const has = files.some(({ id }) => id === 'provjson');
  useEffect(() => {
    if (!has) return undefined;
    const controller = new AbortController();
    attempt(async () => {
      try {
        setGraph(await readProvenance(job.id, controller.signal));
      } catch (thrown) {
        if (!controller.signal.aborted) throw thrown;
      }
    });
    return () => controller.abort();
  }, [job.id, has]);
  if (!graph) return null;
  return (
    <section class="provenance" aria-labelledby="provenance-title">
      <h2 id="provenance-title">Provenance</h2>
      <p class="row">
        {files.map(({ id }) => (
          <a key={id} class="button" href={resultAddress(job.id, id)} download={`${job.id}-${id}`}>
            {id}
          </a>
        ))}
      </p>
      <Drawing graph={graph} />
    </section>
  );
}

interface Placed extends Node {
  x: number;
  y: number;
}

/** Columns from left to right; agents come after the activities of theirs. */
function place({ nodes }: Graph): Placed[] {
  const order: Record<Node['type'], number> = { activity: 0, entity: 1, agent: 2 };
  return [0, 1, 2].flatMap((column) =>
    nodes
      .filter((node) => node.column === column)
      .sort((a, b) => order[a.type] - order[b.type])
      .map((node, row) => ({ ...node, x: 1 + column * (kBoxWide + kGapX), y: 1 + row * (kBoxHigh + kGapY) })),
  );
}

function Drawing({ graph }: { graph: Graph }) {
  const placed = place(graph);
  const byId = new Map(placed.map((node) => [node.id, node]));
  const height = Math.max(...placed.map(({ y }) => y)) + kBoxHigh + 2;
  const width = 3 * kBoxWide + 2 * kGapX + 2;
  const words = graph.arrows.map(
    ({ from, to, label }) => `${byId.get(from)?.label} → ${byId.get(to)?.label} (${label})`,
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard
    <section class="drawing-frame" tabIndex={0} aria-label="Drawing of the provenance">
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={words.join('; ')}>
        <title>Provenance</title>
        <defs>
          <marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
            <path d="M0 0 8 4 0 8z" class="head" />
          </marker>
        </defs>
        {graph.arrows.map((arrow) => (
          <Connection key={`${arrow.from} ${arrow.to}`} arrow={arrow} byId={byId} />
        ))}
        {placed.map((node) => (
          <Box key={node.id} node={node} />
        ))}
      </svg>
    </section>
  );
}

function Connection({ arrow, byId }: { arrow: Arrow; byId: ReadonlyMap<string, Placed> }) {
  const [from, to] = [byId.get(arrow.from), byId.get(arrow.to)];
  if (!from || !to) return null;
  if (from.column === to.column) {
    // Beside the boxes of its column.
    const x = from.x + kBoxWide;
    const [a, b] = [from.y + kBoxHigh / 2, to.y + kBoxHigh / 2];
    return <path class="arrow" d={`M${x} ${a}C${x + 40} ${a} ${x + 40} ${b} ${x} ${b}`} marker-end="url(#head)" />;
  }
  const right = to.column > from.column;
  const [x1, x2] = right ? [from.x + kBoxWide, to.x] : [from.x, to.x + kBoxWide];
  const [y1, y2] = [from.y + kBoxHigh / 2, to.y + kBoxHigh / 2];
  const middle = (x1 + x2) / 2;
  return <path class="arrow" d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`} marker-end="url(#head)" />;
}

const kChars = 28;

function Box({ node: { x, y, label, type } }: { node: Placed }) {
  return (
    <g class={`node ${type}`}>
      <title>{label}</title>
      <rect x={x} y={y} width={kBoxWide} height={kBoxHigh} rx={type === 'entity' ? kBoxHigh / 2 : 4} />
      <text x={x + kBoxWide / 2} y={y + kBoxHigh / 2 + 5} text-anchor="middle">
        {label.length > kChars ? `${label.slice(0, kChars - 1)}…` : label}
      </text>
    </g>
  );
}
