/** The terminal: how large it is, and its other screen, which is given back whatever happens. */
import { writeSync } from 'node:fs';
import { useStdout } from 'ink';
import { useEffect, useState } from 'react';

/** xterm: the alternate screen, an empty one, no cursor; and back. */
const kEnter = '\u001b[?1049h\u001b[2J\u001b[H\u001b[?25l';
const kLeave = '\u001b[?25h\u001b[?1049l';

/** One row less than there are: a program that fills the last one makes the terminal scroll. */
export function useScreen(): { columns: number; rows: number } {
  const { stdout } = useStdout();
  const size = () => ({ columns: stdout.columns || 80, rows: (stdout.rows || 24) - 1 });
  const [now, setNow] = useState(size);
  useEffect(() => {
    const resized = () => setNow(size());
    stdout.on('resize', resized);
    return () => {
      stdout.off('resize', resized);
    };
  });
  return now;
}

/** The result gives it back; so does the end of the program, however it comes but by SIGKILL. */
export function takeScreen(): () => void {
  writeSync(process.stdout.fd, kEnter);
  const leave = () => {
    process.off('exit', leave);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    try {
      writeSync(process.stdout.fd, kLeave);
    } catch {
      // The terminal is gone: there is nothing to give back.
    }
  };
  process.on('exit', leave);
  return leave;
}
