/** An image before it is submitted: looked at, and a region drawn on it; what is drawn stands in the form, and the other way round. */
import { effect } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { messageOf } from '../../api/http.js';
import { type Region, readRegion } from '../../api/image.js';
import type { Kind } from '../../api/kinds.js';
import { Look } from '../../sky/look.js';
import { SkyView } from '../../sky/SkyView.js';
import { setValue, values } from './form-state.js';
import { type Image, images, lookedAt, pictureOf } from './images.js';

/** The fields a region is given by; a kind without them has no regions. */
const kBox = 'BOX';
const kRoi = 'ROI';

export function Preview({ of }: { of: Kind }) {
  const image = images.value.find(({ key }) => key === lookedAt.value);
  const base = image && pictureOf(image);
  if (!image || base === undefined) return null;
  return <Shown key={base} image={image} base={base} regions={of.parameters.includes(kBox)} />;
}

function Shown({ image, base, regions }: { image: Image; base: string; regions: boolean }) {
  const look = useMemo(() => new Look(base), [base]);
  // The plane a job would be given is the one that is shown.
  useEffect(
    () =>
      effect(() => {
        look.hdu.value = wholeNumber(values.value.HDU);
        look.plane.value = wholeNumber(values.value.PLANE);
      }),
    [look],
  );
  return (
    <section class="preview" aria-labelledby="preview-title">
      <h2 id="preview-title">{image.name}</h2>
      <SkyView look={look} label={image.name} regions={regions} />
      {regions && <RegionLink look={look} />}
    </section>
  );
}

function wholeNumber(text: string | undefined): string {
  return /^\d{1,9}$/.test(text?.trim() ?? '') ? (text?.trim() ?? '') : '';
}

const kPauseMs = 150;

/** The server says which pixels a job would search, and where their centre lies. */
function RegionLink({ look }: { look: Look }) {
  const [told, setTold] = useState<Region | string>();
  useEffect(
    () =>
      effect(() => {
        const region = look.region.value;
        const text = region?.join(',');
        // Drawn with the mouse: sent as it is drawn.
        if (text === undefined || text === values.peek()[kBox] || look.shownRegion === text) return;
        setValue(kRoi, '');
        setValue(kBox, text);
      }),
    [look],
  );
  const [box, roi] = [values.value[kBox] ?? '', values.value[kRoi] ?? ''];
  useEffect(() => {
    const by = box !== '' ? { [kBox]: box } : { [kRoi]: roi };
    const text = Object.values(by)[0] ?? '';
    if (text === '') {
      setTold(undefined);
      look.showRegion(undefined);
      return undefined;
    }
    // Half typed.
    if (text.split(',').some((part) => part.trim() === '') || text.split(',').length !== 4) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      readRegion(look.image, by, controller.signal).then(
        (region) => {
          setTold(region);
          look.showRegion(region.box);
        },
        (thrown) => {
          if (!controller.signal.aborted) setTold(messageOf(thrown));
        },
      );
    }, kPauseMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [look, box, roi]);
  return (
    <p class="region" role="status">
      {told === undefined && <span class="small">Draw a region, or type one into the form; otherwise all of it.</span>}
      {typeof told === 'string' && <span class="fault">{told}</span>}
      {told !== undefined && typeof told !== 'string' && (
        <>
          <span>
            Region: pixels {told.BOX}
            {told.centre ? `, centre ${told.centre.ra} ${told.centre.dec} (ICRS)` : ''}
          </span>{' '}
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setValue(kBox, '');
              setValue(kRoi, '');
            }}
          >
            Whole image
          </button>
        </>
      )}
    </p>
  );
}
