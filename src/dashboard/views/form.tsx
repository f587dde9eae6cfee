/** Lines to be filled in: Enter goes on to the next, and at the last one it is done. */
import { Box, type Key, Text, useInput } from 'ink';
import { useEffect, useRef, useState } from 'react';

export interface FormField {
  name: string;
  value: string;
}

interface Props {
  title: string;
  fields: readonly FormField[];
  /** Was typed before the form was there. */
  typed: string;
  onDone: (values: Record<string, string>) => void;
  onCancel: () => void;
}

const kBackspace = new Set(['\b', '\u007f']);
const kNext = new Set(['\r', '\n', '\t']);

export function Form({ title, fields, typed, onDone, onCancel }: Props) {
  // Keys come faster than pictures: what they change is no state of a picture.
  const { current: form } = useRef({ values: fields.map(({ value }) => value), at: 0 });
  const [, redraw] = useState(0);

  const next = (): boolean => {
    if (form.at < fields.length - 1) form.at++;
    else {
      onDone(Object.fromEntries(fields.map(({ name }, index) => [name, form.values[index] ?? ''])));
      return false;
    }
    return true;
  };
  const set = (change: (value: string) => string) => {
    form.values[form.at] = change(form.values[form.at] ?? '');
  };
  /** Keys that came together (a paste, a slow line) are one text with control characters in it. */
  const type = (text: string) => {
    for (const character of text) {
      if (kBackspace.has(character)) set((value) => value.slice(0, -1));
      else if (kNext.has(character)) {
        if (!next()) return;
      } else if (character >= ' ') set((value) => value + character);
    }
  };
  const press = (input: string, key: Key) => {
    if (key.escape) return onCancel();
    if (key.upArrow || (key.tab && key.shift)) form.at = Math.max(0, form.at - 1);
    else if (key.downArrow) form.at = Math.min(fields.length - 1, form.at + 1);
    else if (key.return || key.tab) next();
    else if (key.backspace || key.delete) set((value) => value.slice(0, -1));
    else if (key.ctrl && input === 'u') set(() => '');
    else if (!key.ctrl && !key.meta) type(input);
    redraw((count) => count + 1);
  };
  useInput(press);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the form appears
  useEffect(() => {
    type(typed);
    redraw((count) => count + 1);
  }, []);

  const width = Math.max(...fields.map(({ name }) => name.length));
  return (
    <Box flexDirection="column">
      <Text bold>{title}</Text>
      {fields.map(({ name }, index) => (
        <Text key={name} wrap="truncate-start">
          {index === form.at ? '>' : ' '} {name.padEnd(width)} {form.values[index]}
          {index === form.at ? <Text inverse> </Text> : null}
        </Text>
      ))}
      <Text dimColor>Enter: next, and at the last line go; Ctrl-U: empty the line; Esc: back</Text>
    </Box>
  );
}
