/** The dashboard, drawn: what the model knows, in the view that its user has chosen. */
import { Box, Text, useApp, useInput } from 'ink';
import { useEffect, useState } from 'react';
import type { Controller } from './controller.js';
import { Desk, type Mode } from './desk.js';
import type { Model } from './model.js';
import { useScreen } from './screen.js';
import { Detail } from './views/detail.js';
import { Form, type FormField } from './views/form.js';
import { Header } from './views/header.js';
import { Help, Keys } from './views/help.js';
import { Jobs } from './views/jobs.js';
import { Log } from './views/log.js';
import { Machine, machineLines } from './views/machine.js';

interface Props {
  model: Model;
  controller: Controller;
  url: string;
  /** Tells of changes; the result ends it. */
  subscribe: (listener: () => void) => () => void;
}

/** Header, titles of the list, rules, status and keys. */
const kFixedRows = 8;
/** All but the view in the middle. */
const kFrameRows = 5;
const kEmulation: readonly FormField[] = [
  { name: 'jobs', value: '20' },
  { name: 'interval s', value: '0.5' },
  { name: 'abort probability', value: '0.1' },
];

export function App({ model, controller, url, subscribe }: Props) {
  const { exit } = useApp();
  const { columns, rows } = useScreen();
  const [, redraw] = useState(0);
  const [desk] = useState(() => new Desk(model, controller, () => redraw((count) => count + 1), exit));
  useEffect(() => subscribe(() => redraw((count) => count + 1)), [subscribe]);
  const { mode } = desk;
  const isForm = mode.view === 'submit' || mode.view === 'emulate';
  useInput((input, key) => desk.press(input, key), { isActive: !isForm });
  return (
    <Box flexDirection="column" width={columns} height={rows}>
      <Header model={model} url={url} nowMs={Date.now()} columns={columns} />
      <Rule columns={columns} />
      <Box flexDirection="column" flexGrow={1} overflow="hidden">
        <Middle model={model} desk={desk} columns={columns} rows={rows} />
      </Box>
      <Bottom mode={mode} controller={controller} narrow={columns < 100} />
    </Box>
  );
}

interface MiddleProps {
  model: Model;
  desk: Desk;
  columns: number;
  rows: number;
}

function Middle({ model, desk, columns, rows }: MiddleProps) {
  const { mode, job } = desk;
  const back = () => desk.back();
  const wanted = { name: 'model', value: job?.model ?? '' };
  if (mode.view === 'submit') {
    return (
      <Form
        title="Send an image (FITS file, URL, or job:ID/IMAGE)"
        fields={[{ name: 'image', value: '' }, wanted]}
        typed={mode.typed}
        onDone={(values) => desk.submit(values)}
        onCancel={back}
      />
    );
  }
  if (mode.view === 'emulate') {
    const image = { name: 'image', value: job ? `job:${job.id}/IMAGE` : '' };
    return (
      <Form
        title="Emulate a load"
        fields={[image, wanted, ...kEmulation]}
        typed={mode.typed}
        onDone={(values) => desk.emulate(values)}
        onCancel={back}
      />
    );
  }
  if (mode.view === 'help') return <Help rows={rows - kFrameRows} />;
  if (mode.view === 'detail') {
    const { id, facts, skip } = mode;
    return <Detail job={model.job(id)} id={id} facts={facts} skip={skip} rows={rows - kFrameRows} />;
  }
  return <Overview model={model} desk={desk} columns={columns} rows={rows} />;
}

function Overview({ model, desk, columns, rows }: MiddleProps) {
  const nowMs = Date.now();
  const machineRows = Math.max(2, Math.min(machineLines(model.server, nowMs).length, Math.floor(rows / 5)));
  const logRows = Math.max(3, Math.floor(rows / 5));
  const listRows = Math.max(3, rows - kFixedRows - machineRows - logRows);
  desk.pageRows = listRows;
  const title = titleOf(model);
  return (
    <>
      <Jobs jobs={model.shown} chosen={desk.job?.id} rows={listRows} columns={columns} nowMs={nowMs} title={title} />
      <Rule columns={columns} />
      <Machine server={model.server} nowMs={nowMs} rows={machineRows} />
      <Rule columns={columns} />
      <Log lines={model.log} rows={logRows} />
    </>
  );
}

function titleOf({ phase, owner, jobs, shown }: Model): string {
  const whose = owner === undefined ? '' : ` of ${owner === '' ? 'nobody' : owner}`;
  const which = phase === 'all' ? 'all' : phase.toLowerCase();
  return `${which}${whose}: ${shown.length === jobs ? jobs : `${shown.length}/${jobs}`}`;
}

function Rule({ columns }: { columns: number }) {
  return <Text dimColor>{'─'.repeat(columns)}</Text>;
}

function Bottom({ mode, controller, narrow }: { mode: Mode; controller: Controller; narrow: boolean }) {
  const { status, emulation } = controller;
  const text = emulation ?? status?.text ?? '';
  const bad = emulation === undefined && status?.bad === true;
  return (
    <Box flexDirection="column" flexShrink={0}>
      {mode.view === 'sure' ? (
        <Text bold>
          {mode.what} {mode.id.slice(0, 8)}? y: yes, any other key: no
        </Text>
      ) : (
        <Text wrap="truncate-end" {...(bad ? { color: 'red' } : {})}>
          {text === '' ? ' ' : text}
        </Text>
      )}
      {mode.view === 'detail' ? (
        <Text>
          <Text bold>w</Text> write its catalogue here <Text bold>a</Text> abort <Text bold>↑↓</Text> scroll{' '}
          <Text bold>Esc</Text> back
        </Text>
      ) : (
        <Keys narrow={narrow} />
      )}
    </Box>
  );
}
