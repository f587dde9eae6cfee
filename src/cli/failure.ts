/** How a command fails: one line on stderr and an exit code. */
import { CommanderError } from 'commander';
import { OtfError, toOtfError } from '../errors/catalogue.js';
import { printable } from '../io/terminal.js';

const kUsageExit = 2;

/** Prints `cianna-otf: ...` and gives the exit code; where it happened only with OTF_DEBUG. */
export function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) {
    // Help asked for by `help` of an unknown command, or a group called without its sub-command: already printed.
    if (thrown.code === 'commander.help') return kUsageExit;
    printFailure(thrown.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' '), thrown);
    return kUsageExit;
  }
  const error = toOtfError(thrown);
  const bug = error.code === 'OTF_INTERNAL';
  printFailure(bug ? `internal error: ${error.message} (OTF_DEBUG=1 shows more)` : error.message, error);
  return error.kind.exitCode;
}

function printFailure(message: string, error: Error): void {
  process.stderr.write(`cianna-otf: ${printable(message)}\n`);
  if (!process.env.OTF_DEBUG) return;
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : '';
  process.stderr.write(`${error instanceof OtfError ? `[${error.code}] ` : ''}${error.stack}${cause}\n`);
}

export function warn(message: string): void {
  process.stderr.write(`cianna-otf: warning: ${printable(message)}\n`);
}

/** `... | head` closes our standard output early: not an error worth a stack trace. */
export function survivePipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}
