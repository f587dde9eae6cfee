/** The job's own log: as it ended, or why it failed. */
import { useEffect, useState } from 'preact/hooks';
import { send } from '../../api/http.js';
import { type JobDetails, jobPath, type Summary } from '../../api/jobs.js';
import { attempt } from '../../state/notices.js';

export function Log({ job, details }: { job: Summary; details: JobDetails }) {
  const [text, setText] = useState('');
  const { id } = job;
  const has = details.results.some((each) => each.id === 'log');
  useEffect(() => {
    setText('');
    if (has) attempt(async () => setText(await (await send(jobPath(id, '/results/log'))).text()));
  }, [id, has]);
  if (text === '') return null;
  return (
    <section aria-labelledby="log-title">
      <h2 id="log-title">Log</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard */}
      <pre tabIndex={0} class="log">
        {text}
      </pre>
    </section>
  );
}
