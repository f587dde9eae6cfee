/** What the job was given and how it ran. */
import type { Delivery, JobDetails, Summary } from '../../api/jobs.js';
import { Facts } from '../../parts/Facts.js';
import { bytes, instant } from '../../parts/shown.js';

const kReasons: Readonly<Record<string, string>> = {
  full: 'it was full',
  waited: 'its oldest job had waited long enough',
  idle: 'nothing else waited',
  alone: 'after a crash a job runs alone',
};

export function About({ job, details }: { job: Summary; details: JobDetails }) {
  const { parameters, info, destruction, executionDuration } = details;
  const told = (name: string) => info.find(([each]) => each === name)?.[1];
  const warnings = info.filter(([name]) => name === 'warning');
  const size = told('input.FitsSizeBytes');
  return (
    <section aria-labelledby="about-title">
      <h2 id="about-title">About this job</h2>
      {job.error !== undefined && <p class="fault">{job.error}</p>}
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings">
          {warnings.map(([, text]) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          ['Id', job.id],
          ['Run id', job.runId],
          ['Owner', job.ownerId],
          ['Created', instant(job.creationTime)],
          ['Started', job.startTime && instant(job.startTime)],
          ['Ended', job.endTime && instant(job.endTime)],
          ['Kept until', destruction && instant(destruction)],
          ['Time limit', executionDuration === '0' ? 'none' : `${executionDuration} s`],
          ['Image size', size && bytes(Number(size))],
          ['Image SHA-256', told('input.FitsChecksumSHA256')],
          ['Batch', job.batch && batchText(job.batch)],
          ['Engine', job.engine && `${job.engine} ${told('engineVersion') ?? ''}`],
          ['Device', job.device],
          ['Computed in', job.computeType],
          ['Results sent', job.delivery && deliveryText(job.delivery)],
          ...parameters.map(({ id, value }): [string, string] => [id, value]),
        ]}
      />
    </section>
  );
}

function deliveryText({ state, files, message }: Delivery): string {
  const there = `${files} ${files === 1 ? 'file' : 'files'}`;
  if (state === 'done') return there;
  return state === 'waiting' ? 'on their way' : `${there}, and no more: ${message ?? 'it failed'}`;
}

function batchText({ id, size, reason }: NonNullable<Summary['batch']>): string {
  const why = reason === undefined ? '' : `, which began because ${kReasons[reason] ?? reason}`;
  return `${id}: ${size ?? 1} ${size === 1 ? 'job' : 'jobs'}${why}`;
}
