/** New jobs: images, model, parameters. Everything about the work is the server's description of it. */
import { useEffect, useState } from 'preact/hooks';
import { readDetails } from '../../api/jobs.js';
import type { Input, Kind } from '../../api/kinds.js';
import { abilities } from '../../state/abilities.js';
import { attempt } from '../../state/notices.js';
import { route } from '../../state/route.js';
import { DropZone } from './DropZone.js';
import { FieldInput } from './FieldInput.js';
import { commonFields, faultOf, givenFields, kind, model, modelId, ownFields, setValue, values } from './form-state.js';
import { ImageList } from './ImageList.js';
import { addReferences, clearSubmitted, furtherInputs, images, type Source, submitAll } from './images.js';
import { ModelSheet } from './ModelSheet.js';
import { Preview } from './Preview.js';

export function SubmitView() {
  const again = route.value.query.get('again');
  const [read, setRead] = useState<string | null>(null);
  useEffect(() => {
    setRead(null);
    if (again === null) return;
    attempt(async () => {
      try {
        await beginAgain(again);
      } finally {
        setRead(again);
      }
    });
  }, [again]);
  const of = kind.value;
  if (!of) return <p class="empty">Reading what this server can do…</p>;
  // What was typed until then would be lost.
  if (again !== null && read !== again) return <p class="empty">Reading what the job was given…</p>;
  return (
    <div class="submit">
      <h1>New jobs</h1>
      <section aria-labelledby="images-title">
        <h2 id="images-title">Images</h2>
        <DropZone />
        <ImageList />
        <FurtherInputs of={of} />
      </section>
      <section aria-labelledby="work-title">
        <h2 id="work-title">Work</h2>
        <ModelChoice />
        <ComputeType />
        <Format of={of} />
      </section>
      <section class="parameters" aria-labelledby="parameters-title">
        <h2 id="parameters-title">Parameters</h2>
        {ownFields(of).map((field) => (
          <FieldInput key={field.name} field={field} />
        ))}
        <details>
          <summary>More: priority, name, life of the jobs, where results go</summary>
          {commonFields(of).map((field) => (
            <FieldInput key={field.name} field={field} />
          ))}
        </details>
      </section>
      <Preview of={of} />
      <SubmitBar of={of} />
    </div>
  );
}

/** What a job was given, to be changed: nothing is uploaded again. */
async function beginAgain(id: string): Promise<void> {
  const { parameters } = await readDetails(id);
  const references = parameters.filter(({ byReference }) => byReference);
  const of = abilities.value?.kinds.find(({ inputs }) => references.some((each) => each.id === inputs[0]?.name));
  const [first, ...others] = of?.inputs ?? [];
  const sourceOf = (input: Input | undefined): Source | undefined => {
    const given = references.find((each) => each.id === input?.name);
    if (!given) return undefined;
    return { reference: /\/parameters\/[^/]+$/.test(given.value) ? `job:${id}/${given.id}` : given.value };
  };
  const image = sourceOf(first);
  if (image && 'reference' in image) addReferences([image.reference]);
  const further = others.map((input) => [input.name, sourceOf(input)] as const);
  furtherInputs.value = Object.fromEntries(further.filter((each): each is [string, Source] => each[1] !== undefined));
  modelId.value = parameters.find((each) => each.id === 'MODEL')?.value ?? '';
  values.value = Object.fromEntries(
    parameters
      .filter((each) => !each.byReference && each.id !== 'MODEL' && isWhole(each))
      .map((each) => [each.id, each.value]),
  );
}

/** What opens an address is shown to nobody: without it the address is of no use. */
function isWhole({ value }: { value: string }): boolean {
  return !/^\w+:\/\/.*\?\*{3}$/.test(value);
}

function FurtherInputs({ of }: { of: Kind }) {
  return (
    <>
      {of.inputs.slice(1).map((input) => (
        <FurtherInput key={input.name} input={input} />
      ))}
    </>
  );
}

function FurtherInput({ input }: { input: Input }) {
  const given = furtherInputs.value[input.name];
  const { [input.name]: _, ...others } = furtherInputs.value;
  const set = (source: Source | undefined) => {
    furtherInputs.value = source ? { ...others, [input.name]: source } : others;
  };
  const id = `input-${input.name}`;
  return (
    <div class="field">
      <label for={id}>
        {input.role.charAt(0).toUpperCase() + input.role.slice(1)}
        {input.required ? '' : ' (optional)'}
      </label>
      {given ? (
        <div class="row">
          <span class="name">{'file' in given ? given.file.name : given.reference}</span>
          <button type="button" class="quiet" onClick={() => set(undefined)} aria-label={`Remove the ${input.role}`}>
            Remove
          </button>
        </div>
      ) : (
        <input
          id={id}
          type="file"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file) set({ file });
          }}
        />
      )}
      <p class="help">{input.help}</p>
    </div>
  );
}

function ModelChoice() {
  const [sheet, setSheet] = useState(false);
  const chosen = model.value;
  return (
    <div class="field">
      <label for="model">Model</label>
      <div class="row">
        <select id="model" value={chosen?.id ?? ''} onChange={(event) => chooseModel(event.currentTarget.value)}>
          {abilities.value?.kinds.map((each) => (
            <optgroup key={each.name} label={each.title}>
              {abilities.value?.models
                .filter((one) => one.kind === each.name)
                .map((one) => (
                  <option key={one.id} value={one.id}>
                    {one.title}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
        <button type="button" onClick={() => setSheet(true)} disabled={!chosen}>
          Card
        </button>
      </div>
      {chosen && sheet && <ModelSheet model={chosen} onClose={() => setSheet(false)} />}
    </div>
  );
}

function chooseModel(id: string): void {
  modelId.value = id;
  const kept = model.value?.quantizations.includes(values.value.QUANTIZATION ?? '');
  if (!kept) setValue('QUANTIZATION', '');
}

function ComputeType() {
  const choices = model.value?.quantizations ?? [];
  return (
    <div class="field">
      <label for="quantization">Compute type</label>
      <select
        id="quantization"
        value={values.value.QUANTIZATION ?? ''}
        onChange={(event) => setValue('QUANTIZATION', event.currentTarget.value)}
      >
        <option value="">the server's</option>
        {choices.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </div>
  );
}

function Format({ of }: { of: Kind }) {
  return (
    <div class="field">
      <label for="format">Written as</label>
      <select
        id="format"
        value={values.value.RESPONSEFORMAT ?? ''}
        onChange={(event) => setValue('RESPONSEFORMAT', event.currentTarget.value)}
      >
        <option value="">{of.formats[0]?.name}</option>
        {of.formats.slice(1).map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <p class="help">Every other format can be had afterwards, too.</p>
    </div>
  );
}

function SubmitBar({ of }: { of: Kind }) {
  const ready = images.value.filter(({ state }) => state === 'ready').length;
  const sending = images.value.filter(({ state }) => state === 'sending' || state === 'waiting').length;
  const submitted = images.value.some(({ state }) => state === 'submitted');
  const [input] = of.inputs;
  const faulty = ownFields(of)
    .concat(commonFields(of))
    .some((field) => !field.parts && field.most === undefined && faultOf(field, values.value[field.name] ?? ''));
  const missing = of.inputs.slice(1).some(({ name, required }) => required && !furtherInputs.value[name]);
  return (
    <div class="submit-bar">
      <button
        type="button"
        class="primary"
        disabled={ready === 0 || sending > 0 || faulty || missing}
        onClick={() => input && attempt(() => submitAll(input.name, givenFields(of)))}
      >
        {ready > 1 ? `Submit ${ready} jobs` : 'Submit'}
      </button>
      {submitted && (
        <button type="button" onClick={clearSubmitted}>
          Clear what is submitted
        </button>
      )}
      <span class="small" role="status">
        {sending > 0 ? 'Files are on their way.' : ready === 0 && !submitted ? 'Choose an image first.' : ''}
      </span>
    </div>
  );
}
