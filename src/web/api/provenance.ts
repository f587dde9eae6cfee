/** W3C PROV-JSON of a job as nodes and arrows, in columns: what was used, what was done, what came of it. */

import { readJson } from './http.js';
import { jobPath } from './jobs.js';

type Records = Record<string, Record<string, Record<string, unknown>>>;

export interface Node {
  id: string;
  type: 'entity' | 'activity' | 'agent';
  label: string;
  /** 0 used, 1 done, 2 made; agents stand below what they did. */
  column: 0 | 1 | 2;
}

export interface Arrow {
  from: string;
  to: string;
  label: string;
}

export interface Graph {
  nodes: Node[];
  arrows: Arrow[];
}

const kTypes = ['entity', 'activity', 'agent'] as const;
/** W3C PROV-JSON, section 4: from which member of a relation to which; the words people read there. */
const kRelations: readonly [name: string, from: string, to: string, label: string][] = [
  ['used', 'prov:entity', 'prov:activity', 'used'],
  ['wasGeneratedBy', 'prov:activity', 'prov:entity', 'made'],
  ['wasAssociatedWith', 'prov:agent', 'prov:activity', 'ran'],
  ['wasInformedBy', 'prov:informant', 'prov:informed', 'with'],
  ['wasAttributedTo', 'prov:agent', 'prov:entity', 'owns'],
];

export async function readProvenance(jobId: string, signal: AbortSignal): Promise<Graph> {
  return graphOf(await readJson<Records>(jobPath(jobId, '/results/provjson'), signal));
}

export function graphOf(records: Records): Graph {
  const made = new Set(Object.values(records.wasGeneratedBy ?? {}).map((each) => String(each['prov:entity'])));
  const nodes = kTypes.flatMap((type) =>
    Object.entries(records[type] ?? {}).map(([id, members]): Node => {
      const column = type === 'entity' ? (made.has(id) ? 2 : 0) : 1;
      return { id, type, label: String(members['prov:label'] ?? id.replace(/^[^:]*:/, '')), column };
    }),
  );
  const known = new Set(nodes.map(({ id }) => id));
  const arrows = kRelations.flatMap(([name, from, to, label]) =>
    Object.values(records[name] ?? {}).map((each): Arrow => {
      const role = each['prov:role'];
      return {
        from: String(each[from]),
        to: String(each[to]),
        label: typeof role === 'string' ? `${label}: ${role}` : label,
      };
    }),
  );
  return { nodes, arrows: arrows.filter(({ from, to }) => known.has(from) && known.has(to)) };
}
