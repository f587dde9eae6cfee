import { dismiss, notices } from '../state/notices.js';

export function Notices() {
  return (
    <div class="notices" aria-live="polite">
      {notices.value.map(({ id, tone, text }) => (
        <div key={id} class={`notice ${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
          <span>{text}</span>
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
