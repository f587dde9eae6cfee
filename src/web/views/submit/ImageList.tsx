/** The images that are to be sent, each with how far it is. */
import { bytes, duration } from '../../parts/shown.js';
import { hrefTo } from '../../state/route.js';
import { cancelSending, type Image, images, lookedAt, pictureOf, removeImage, tryAgain } from './images.js';

export function ImageList() {
  if (images.value.length === 0) return null;
  return (
    <ul class="images" aria-label="Images">
      {images.value.map((image) => (
        <li key={image.key} class={image.state}>
          <span class="name" title={image.name}>
            {image.name}
          </span>
          <State image={image} />
          <Actions image={image} />
        </li>
      ))}
    </ul>
  );
}

function State({ image }: { image: Image }) {
  const { state, sentBytes, totalBytes, bytesPerSecond, error, jobId, name } = image;
  if (state === 'sending') {
    const left = bytesPerSecond > 0 ? `, ${duration(((totalBytes - sentBytes) / bytesPerSecond) * 1000)} left` : '';
    const speed = bytesPerSecond > 0 ? ` at ${bytes(bytesPerSecond)}/s${left}` : '';
    return (
      <span class="progress">
        <progress max={Math.max(1, totalBytes)} value={sentBytes} aria-label={`Upload of ${name}`} />
        <span class="small">
          {bytes(sentBytes)} of {bytes(totalBytes)}
          {speed}
        </span>
      </span>
    );
  }
  if (state === 'failed') return <span class="fault">{error}</span>;
  if (state === 'submitted' && jobId !== undefined) return <a href={hrefTo(['jobs', jobId])}>Open the job</a>;
  if (state === 'waiting') return <span class="small">{bytes(totalBytes)}, waits</span>;
  return <span class="small">{totalBytes > 0 ? `${bytes(totalBytes)}, uploaded` : 'read by the server'}</span>;
}

function Actions({ image }: { image: Image }) {
  const { key, state, name } = image;
  if (state === 'sending') {
    return (
      <button
        type="button"
        class="quiet"
        onClick={() => cancelSending(key)}
        aria-label={`Cancel the upload of ${name}`}
      >
        Cancel
      </button>
    );
  }
  return (
    <span class="row">
      {pictureOf(image) !== undefined && (
        <button
          type="button"
          aria-pressed={lookedAt.value === key}
          onClick={() => (lookedAt.value = lookedAt.value === key ? undefined : key)}
          aria-label={`Look at ${name}`}
        >
          Look
        </button>
      )}
      {state === 'failed' && (
        <button type="button" onClick={() => tryAgain(key)} aria-label={`Try again with ${name}`}>
          Try again
        </button>
      )}
      <button type="button" class="quiet" onClick={() => removeImage(key)} aria-label={`Remove ${name}`}>
        Remove
      </button>
    </span>
  );
}
