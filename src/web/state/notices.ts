/** Lines for the user about what went wrong or was done; read aloud by screen readers. */
import { signal } from '@preact/signals';

export interface Notice {
  id: number;
  tone: 'error' | 'done';
  text: string;
}

export const notices = signal<readonly Notice[]>([]);

const kDoneMs = 5000;
const kMost = 4;
let count = 0;

/** Errors stay until they are closed. */
export function tell(tone: Notice['tone'], text: string): void {
  const notice = { id: ++count, tone, text };
  notices.value = [...notices.value.slice(1 - kMost), notice];
  if (tone === 'done') setTimeout(() => dismiss(notice.id), kDoneMs);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** What an event handler starts: its failure is told, never lost. */
export function attempt(work: () => Promise<unknown>, done?: string): void {
  work().then(
    () => {
      if (done !== undefined) tell('done', done);
    },
    (thrown) => tell('error', thrown instanceof Error ? thrown.message : String(thrown)),
  );
}
