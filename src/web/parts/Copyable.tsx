import { tell } from '../state/notices.js';

interface CopyableProps {
  label: string;
  text: string;
}

export function Copyable({ label, text }: CopyableProps) {
  const copy = () => {
    // Only there on localhost and over TLS.
    const clipboard = navigator.clipboard as Clipboard | undefined;
    if (!clipboard) return tell('error', 'this browser copies only from pages with TLS: select the text instead');
    clipboard.writeText(text).then(
      () => tell('done', `${label}: copied`),
      () => tell('error', 'the browser does not allow copying: select the text instead'),
    );
  };
  return (
    <div class="copyable">
      <div class="copyable-head">
        <span>{label}</span>
        <button type="button" class="quiet" onClick={copy} aria-label={`Copy: ${label}`}>
          Copy
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}
