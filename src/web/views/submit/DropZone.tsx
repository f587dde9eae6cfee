/** Where files are dropped or chosen; a label around an input, so that it works by keyboard as it is. */
import { useRef, useState } from 'preact/hooks';
import { addFiles, addReferences } from './images.js';

export function DropZone() {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer) addFiles(event.dataTransfer.files);
  };
  const choose = () => {
    const { current } = input;
    if (!current?.files) return;
    addFiles(current.files);
    // The same file may be chosen again.
    current.value = '';
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is beside the button inside */}
      <div
        class={over ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <p>Drop FITS images here</p>
        <label class="button">
          Choose files
          <input ref={input} class="hidden" type="file" multiple onChange={choose} />
        </label>
        <p class="small">.fits, also in gzip or tile-compressed; one job each</p>
      </div>
      <Addresses />
    </>
  );
}

function Addresses() {
  const [text, setText] = useState('');
  const add = (event: Event) => {
    event.preventDefault();
    addReferences(text.split(/\s+/).filter((each) => each !== ''));
    setText('');
  };
  return (
    <form class="addresses" onSubmit={add}>
      <label for="addresses">or give addresses the server fetches</label>
      <div class="row">
        <input
          id="addresses"
          value={text}
          placeholder="https://…/field.fits"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" disabled={text.trim() === ''}>
          Add
        </button>
      </div>
    </form>
  );
}
