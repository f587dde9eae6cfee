/** One job: how it is doing, what it found, what it was given, how it can be used elsewhere. */
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { type JobDetails, jobPath, type Result, type Summary } from '../../api/jobs.js';
import { PhaseBadge } from '../../parts/Phase.js';
import { Look } from '../../sky/look.js';
import { SkyView } from '../../sky/SkyView.js';
import { kindOf } from '../../state/abilities.js';
import { bringJob, connected, jobOf } from '../../state/jobs.js';
import { attempt } from '../../state/notices.js';
import { go, hrefTo } from '../../state/route.js';
import type { Selection } from '../../table/selection.js';
import { JobActions } from '../jobs/JobActions.js';
import { JobState } from '../jobs/JobRow.js';
import { About } from './About.js';
import { CatalogueView, useSelection } from './Catalogue.js';
import { Elsewhere } from './Elsewhere.js';
import { Files } from './Files.js';
import { LightCurve } from './LightCurve.js';
import { Log } from './Log.js';
import { Provenance } from './Provenance.js';
import { useDetails } from './use-details.js';

/** Results are on their way somewhere: looked at again. */
const kSendingMs = 2000;

export function JobView({ id }: { id: string }) {
  const job = jobOf(id);
  const live = connected.value === 'live';
  const asked = useSignal(false);
  useEffect(() => {
    const ask = async () => {
      await bringJob(id);
      asked.value = true;
    };
    if (live && !job) attempt(ask);
    // Told once there is a stream of events, and asked again.
    else if (!job) ask().catch(() => undefined);
  }, [id, live, job === undefined]);
  // Of a job that has ended nothing else is told.
  const sending = job?.delivery?.state === 'waiting';
  useEffect(() => {
    if (!sending) return undefined;
    const timer = setInterval(() => bringJob(id).catch(() => undefined), kSendingMs);
    return () => clearInterval(timer);
  }, [id, sending]);
  const details = useDetails(id, job?.phase);
  const selection = useSelection(id, job?.phase === 'COMPLETED');
  const look = useMemo(() => new Look(jobPath(id, '/image')), [id]);
  useEffect(() => {
    look.results.value = details?.results.filter(isImage).map((result) => result.id) ?? [];
  }, [look, details]);
  if (!job && !asked.value) return <p class="empty">Reading the job…</p>;
  const part = job && kindOf(job.kind)?.part;
  if (!job) {
    return (
      <p class="empty">
        There is no job {id} (any more). <a href={hrefTo(['jobs'])}>All jobs</a>
      </p>
    );
  }
  return (
    <div class="job">
      <Head job={job} />
      <div class="look">
        {details && keepsImage(details) && (
          <section aria-label="Picture">
            <SkyView look={look} label={job.image ?? id} selection={selection} />
          </section>
        )}
        {selection && <CatalogueView job={job} selection={selection} look={look} />}
        {selection && part && <LightCurve jobId={id} part={part} selection={selection} />}
      </div>
      {details && <Body job={job} details={details} selection={selection} />}
    </div>
  );
}

function isImage({ id, mime }: Result): boolean {
  return mime === 'application/fits' && id !== 'result';
}

/** An image that was fetched from elsewhere is gone when the job has ended. */
function keepsImage({ parameters }: JobDetails): boolean {
  return parameters.some(({ byReference, value }) => byReference && /\/parameters\/[^/]+$/.test(value));
}

function Head({ job }: { job: Summary }) {
  return (
    <header class="job-head">
      <h1>{job.image ?? job.id}</h1>
      <span class="row">
        <PhaseBadge phase={job.phase} />
        <JobState job={job} />
        {job.found && (
          <strong>
            {job.found.count.toLocaleString()} {job.found.rows}
          </strong>
        )}
      </span>
      <JobActions job={job} onDeleted={() => go(['jobs'])} />
    </header>
  );
}

interface BodyProps {
  job: Summary;
  details: JobDetails;
  selection: Selection | undefined;
}

function Body({ job, details, selection }: BodyProps) {
  return (
    <div class="job-rest">
      <About job={job} details={details} />
      {job.phase === 'COMPLETED' && <Files job={job} details={details} />}
      {job.phase === 'COMPLETED' && <Elsewhere job={job} selection={selection} />}
      <Log job={job} details={details} />
      {job.phase === 'COMPLETED' && <Provenance job={job} details={details} />}
    </div>
  );
}
