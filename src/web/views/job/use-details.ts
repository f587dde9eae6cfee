import { useEffect, useState } from 'preact/hooks';
import { type JobDetails, readDetails } from '../../api/jobs.js';
import { attempt } from '../../state/notices.js';

/** What only the job's own document has, read again whenever its phase changes; undefined until it is here. */
export function useDetails(id: string, phase: string | undefined): JobDetails | undefined {
  const [known, setKnown] = useState<{ id: string; details: JobDetails }>();
  useEffect(() => {
    if (phase === undefined) return undefined;
    const controller = new AbortController();
    attempt(async () => {
      try {
        const details = await readDetails(id, controller.signal);
        setKnown({ id, details });
      } catch (thrown) {
        if (!controller.signal.aborted) throw thrown;
      }
    });
    return () => controller.abort();
  }, [id, phase]);
  return known?.id === id ? known.details : undefined;
}
