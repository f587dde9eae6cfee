/** How the picture is painted and what is drawn over it. Choices are the server's own lists. */
import { useEffect, useState } from 'preact/hooks';
import { type Picture, readStatistics, type Statistics } from '../api/image.js';
import { number } from '../parts/shown.js';
import { attempt } from '../state/notices.js';
import type { Look } from './look.js';

interface ControlsProps {
  look: Look;
  picture: Picture;
  marks: boolean;
  /** A region may be drawn. */
  regions: boolean;
}

export function Controls({ look, picture, marks, regions }: ControlsProps) {
  const painting = look.painting.value ?? picture.defaults;
  return (
    <div class="sky-controls">
      <Choice
        label="Stretch"
        value={painting.stretch}
        choices={picture.stretches}
        onChoice={(stretch) => look.paint({ stretch }, picture)}
      />
      <Cuts look={look} picture={picture} />
      <Choice
        label="Colour"
        value={painting.colour}
        choices={picture.colours}
        onChoice={(colour) => look.paint({ colour }, picture)}
      />
      <Planes look={look} picture={picture} />
      {marks && (
        <Choice
          label="Draw as"
          value={look.form.value}
          choices={['boxes', 'ellipses', 'none']}
          onChoice={(form) => {
            look.form.value = form as 'boxes' | 'ellipses' | 'none';
          }}
        />
      )}
      {picture.grid && (
        <button type="button" aria-pressed={look.grid.value} onClick={() => (look.grid.value = !look.grid.value)}>
          Grid
        </button>
      )}
      {regions && (
        <button
          type="button"
          aria-pressed={look.drawing.value}
          onClick={() => (look.drawing.value = !look.drawing.value)}
        >
          Draw region
        </button>
      )}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  choices: readonly string[];
  onChoice: (value: string) => void;
}

function Choice({ label, value, choices, onChoice }: ChoiceProps) {
  return (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
        {!choices.includes(value) && <option>{value}</option>}
        {choices.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </label>
  );
}

/** By a rule, or by values: of the image's own unit. */
function Cuts({ look, picture }: { look: Look; picture: Picture }) {
  const painting = look.painting.value ?? picture.defaults;
  const [typed, setTyped] = useState<string>();
  const statistics = useStatistics(look, picture, typed !== undefined);
  const choices = [...new Set([picture.defaults.cuts, ...picture.cuts, '99%', '99.9%'])];
  const begin = () => {
    setTyped(/^[-+.\de]+,/.test(painting.cuts) ? painting.cuts : '');
  };
  if (typed === undefined) {
    return (
      <span class="row">
        <Choice
          label="Cuts"
          value={painting.cuts}
          choices={choices}
          onChoice={(cuts) => look.paint({ cuts }, picture)}
        />
        <button type="button" class="quiet" onClick={begin}>
          Values
        </button>
      </span>
    );
  }
  const zscale = statistics?.cuts.zscale;
  const apply = (event: Event) => {
    event.preventDefault();
    if (typed.trim() !== '') look.paint({ cuts: typed.replace(/\s+/g, '') }, picture);
    setTyped(undefined);
  };
  return (
    <form class="row" onSubmit={apply}>
      <label>
        Lowest, highest{' '}
        <input
          value={typed}
          placeholder={zscale ? zscale.map((value) => number(value, 3)).join(',') : '0,1e-5'}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Apply</button>
    </form>
  );
}

function useStatistics(look: Look, picture: Picture, wanted: boolean): Statistics | undefined {
  const [found, setFound] = useState<Statistics>();
  useEffect(() => {
    if (!wanted) return undefined;
    const controller = new AbortController();
    // Without them there is no suggestion, which is all they are for.
    readStatistics(look.image, controller.signal).then(setFound, () => undefined);
    return () => controller.abort();
  }, [wanted, picture]);
  return found;
}

function Planes({ look, picture }: { look: Look; picture: Picture }) {
  const { images, planes } = picture.header;
  return (
    <>
      {look.results.value.length > 0 && (
        <label>
          Picture{' '}
          <select
            value={look.result.value}
            onChange={(event) => attempt(() => look.showResult(event.currentTarget.value, picture))}
          >
            <option value="">as given</option>
            {look.results.value.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {images.length > 1 && (
        <label>
          Image{' '}
          <select
            value={String(picture.hdu)}
            onChange={(event) => {
              look.plane.value = '';
              look.hdu.value = event.currentTarget.value;
            }}
          >
            {images.map(({ hdu, extname, width, height }) => (
              <option key={hdu} value={String(hdu)}>
                {`HDU ${hdu} ${extname} ${width}×${height}`}
              </option>
            ))}
          </select>
        </label>
      )}
      {planes > 1 && (
        <input
          type="range"
          aria-label="Plane"
          min={0}
          max={planes - 1}
          value={picture.plane}
          onChange={(event) => (look.plane.value = event.currentTarget.value)}
        />
      )}
      {planes > 1 && (
        <label>
          Plane{' '}
          <input
            type="number"
            min={0}
            max={planes - 1}
            value={picture.plane}
            onChange={(event) => (look.plane.value = event.currentTarget.value)}
          />{' '}
          <span class="small">of {planes}</span>
        </label>
      )}
    </>
  );
}
