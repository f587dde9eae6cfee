/** One field of the form, made from its description. */
import { useId } from 'preact/hooks';
import type { Field, Part } from '../../api/kinds.js';
import { decText, parseAngle, raText } from '../../sky/angles.js';
import { faultOf, setValue, values } from './form-state.js';

export function FieldInput({ field }: { field: Field }) {
  if (field.parts) return <PartsInput field={field} parts={field.parts} />;
  if (field.choices && field.most !== undefined) return <ChoicesInput field={field} />;
  return <PlainInput field={field} />;
}

/** PIXEL_UNIT as people read it. */
export function fieldTitle(name: string): string {
  const words = name.toLowerCase().replaceAll('_', ' ');
  return words.length <= 3 ? name : words.charAt(0).toUpperCase() + words.slice(1);
}

function Help({ id, field }: { id: string; field: Field }) {
  const otherwise = field.default === undefined ? '' : ` Otherwise: ${field.default}.`;
  return (
    <p class="help" id={id}>
      {field.help.charAt(0).toUpperCase() + field.help.slice(1)}.{otherwise}
    </p>
  );
}

function PlainInput({ field }: { field: Field }) {
  const id = useId();
  const { name, unit, choices } = field;
  const value = values.value[name] ?? '';
  const fault = faultOf(field, value);
  const common = { id, 'aria-describedby': `${id}-help${fault ? ` ${id}-fault` : ''}` };
  return (
    <div class="field">
      <label for={id}>
        {fieldTitle(name)}
        {unit === undefined ? '' : ` (${unit})`}
      </label>
      {choices ? (
        <select {...common} value={value} onChange={(event) => setValue(name, event.currentTarget.value)}>
          <option value="">{field.default ?? 'not given'}</option>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          {...common}
          value={value}
          placeholder={field.default}
          aria-invalid={fault !== undefined}
          inputMode={field.type === 'text' ? 'text' : 'decimal'}
          onInput={(event) => setValue(name, event.currentTarget.value)}
        />
      )}
      <Help id={`${id}-help`} field={field} />
      <Fault id={`${id}-fault`} text={fault} />
    </div>
  );
}

function Fault({ id, text }: { id: string; text: string | undefined }) {
  return text === undefined ? null : (
    <p class="fault" id={id}>
      {text}
    </p>
  );
}

function ChoicesInput({ field }: { field: Field }) {
  const id = useId();
  const chosen = (values.value[field.name] ?? '').split(',').filter(Boolean);
  const toggle = (choice: string, on: boolean) => {
    // In the order of the clicks: it may matter to the kind.
    const next = on ? [...chosen, choice] : chosen.filter((each) => each !== choice);
    setValue(field.name, next.join(','));
  };
  return (
    <fieldset class="field" aria-describedby={`${id}-help`}>
      <legend>{fieldTitle(field.name)}</legend>
      <div class="choices">
        {field.choices?.map((choice) => (
          <label key={choice}>
            <input
              type="checkbox"
              checked={chosen.includes(choice)}
              onChange={(event) => toggle(choice, event.currentTarget.checked)}
            />
            {choice}
          </label>
        ))}
      </div>
      <Help id={`${id}-help`} field={field} />
    </fieldset>
  );
}

/** Several values that belong together: none, or all of them. */
function PartsInput({ field, parts }: { field: Field; parts: Part[] }) {
  const id = useId();
  const given = (values.value[field.name] ?? '').split(',');
  const texts = parts.map((_, index) => given[index] ?? '');
  const any = texts.some((text) => text.trim() !== '');
  const change = (index: number, text: string) => {
    const next = texts.map((before, at) => (at === index ? text.replaceAll(',', '.') : before));
    setValue(field.name, next.every((each) => each.trim() === '') ? '' : next.join(','));
  };
  return (
    <fieldset class="field" aria-describedby={`${id}-help`}>
      <legend>{fieldTitle(field.name)}</legend>
      <div class="parts">
        {parts.map((part, index) => (
          <PartInput
            key={part.name}
            id={`${id}-${index}`}
            part={part}
            text={texts[index] ?? ''}
            missing={any && (texts[index] ?? '').trim() === ''}
            onText={(text) => change(index, text)}
          />
        ))}
      </div>
      <Help id={`${id}-help`} field={field} />
    </fieldset>
  );
}

interface PartInputProps {
  id: string;
  part: Part;
  text: string;
  missing: boolean;
  onText: (text: string) => void;
}

const kAngles = new Set(['RA', 'DEC']);

function PartInput({ id, part, text, missing, onText }: PartInputProps) {
  const angle = part.unit === 'deg' && kAngles.has(part.name);
  // 10:00:28.6 becomes degrees when the field is left: what is sent is what is shown.
  const settle = () => {
    const degrees = angle ? parseAngle(text, part.name === 'RA') : undefined;
    if (degrees !== undefined && text.trim() !== '') onText(String(Number(degrees.toFixed(8))));
  };
  const degrees = angle ? parseAngle(text, part.name === 'RA') : undefined;
  const fault = missing ? 'is missing' : degrees === undefined ? faultOf(part, text) : undefined;
  const sexagesimal = degrees === undefined ? '' : part.name === 'RA' ? raText(degrees) : decText(degrees);
  return (
    <div class="part">
      <label for={id}>
        {part.name}
        {part.unit === undefined ? '' : ` (${part.unit})`}
      </label>
      <input
        id={id}
        value={text}
        inputMode={angle ? 'text' : 'decimal'}
        placeholder={angle ? 'degrees or 00:00:00' : ''}
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-note`}
        onInput={(event) => onText(event.currentTarget.value)}
        onBlur={settle}
      />
      <span id={`${id}-note`} class={fault === undefined ? 'small' : 'fault'}>
        {fault ?? sexagesimal}
      </span>
    </div>
  );
}
