/** What the challenge's scorer found, as a table: the seven scores, or every match. */
import type { Sdc1Outcome, Sdc1Request } from '../engine/addon.js';
import { numberColumn, textColumn } from '../results/columns.js';
import { type Column, type Fact, kCreated, type TableDocument, timestamp } from '../results/table.js';
import { kSoftware } from '../version.js';

export interface Sdc1Report {
  request: Sdc1Request;
  outcome: Sdc1Outcome;
  createdAt: Date;
}

export function sdc1Document(report: Sdc1Report, detail: boolean): TableDocument {
  const { outcome, createdAt } = report;
  const columns = detail ? matchColumns(outcome) : scoreColumns(outcome);
  return {
    name: 'sdc1_score',
    description: 'Score of a catalogue by the rules of the SKA Science Data Challenge 1 (docs/score.md)',
    rowsDescription: detail ? 'Accepted matches, by id' : 'Means of the seven scores over the accepted matches',
    rowsName: detail ? 'matches' : 'scores',
    table: { columns, rows: detail ? outcome.matches : outcome.names.length },
    facts: sdc1Facts(report),
    warnings: sdc1Warnings(outcome),
    createdAt,
  };
}

export function sdc1Warnings({ filledSubmission, filledTruth, submission, truth }: Sdc1Outcome): string[] {
  const dropped = (name: string, { unread }: { unread: number }) =>
    unread > 0 ? [`${unread} rows of the ${name} lack a value and were dropped`] : [];
  return [
    ...filledSubmission.map((what) => `the submission has no such column, taken as ${what}`),
    ...filledTruth.map((what) => `the truth has no such column, taken as ${what}`),
    ...dropped('submission', submission),
    ...dropped('truth', truth),
  ];
}

function sdc1Facts({ request, outcome, createdAt }: Sdc1Report): Fact[] {
  const fact = (name: string, key: string, value: string | number, comment: string): Fact => ({
    name,
    key,
    value,
    comment,
  });
  return [
    fact('software', 'CREATOR', `${kSoftware.name} ${kSoftware.version}`, 'program that made this table'),
    fact(kCreated, 'DATE', timestamp(createdAt), 'UTC'),
    fact('frequency', 'FREQ', request.mhz, 'MHz'),
    fact('area', 'AREA', request.train ? 'training' : 'challenge', 'of the core positions'),
    fact('mode', 'MODE', request.centroids ? 'centroid' : 'core', 'positions that candidates are looked for by'),
    fact('score', 'SCORE', outcome.score, 'sum over matches less the false detections'),
    fact('score_detections', 'SCOREDET', outcome.scoreDetections, 'sum over matches'),
    fact('accuracy', 'ACCURACY', outcome.accuracyPercent, 'per cent, mean over matches'),
    fact('detections', 'NDET', outcome.detections, 'rows of the submission in the area'),
    fact('matches', 'NMATCH', outcome.matches, 'accepted'),
    fact('bad', 'NBAD', outcome.bad, 'matched, but too far off'),
    fact('false', 'NFALSE', outcome.falses, 'detections that are no accepted match'),
    fact('truths', 'NTRUTH', outcome.truth.kept, 'rows of the truth in the area'),
  ];
}

function scoreColumns({ names, meanScores }: Sdc1Outcome): Column[] {
  return [
    textColumn('parameter', 'meta.id', 'What is scored', names),
    numberColumn('mean_score', ['double', '', 'stat.value;stat.mean'], 'Mean score, 0 to 1', meanScores),
  ];
}

function matchColumns({ error, names, scores, ...ids }: Sdc1Outcome): Column[] {
  const idColumn = (name: string, ucd: string, what: string, digits: string[] | undefined, values: Float64Array) =>
    digits ? textColumn(name, ucd, what, digits) : numberColumn(name, ['double', '', ucd], what, values);
  return [
    idColumn('id', 'meta.id', 'Of the submission', ids.idDigits, ids.id),
    idColumn('id_truth', 'meta.id.cross', 'Of the truth', ids.idTruthDigits, ids.idTruth),
    numberColumn('multi_d_err', ['double', '', 'stat.error'], 'Error of the match, accepted below 5', error),
    ...names.map((name, k) =>
      numberColumn(`score_${name}`, ['double', '', 'stat.value'], `Score of ${name}, 0 to 1`, scores[k] ?? []),
    ),
  ];
}
