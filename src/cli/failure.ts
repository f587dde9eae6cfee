/** How a command fails: one line on stderr and an exit code. */
import { CommanderError } from 'commander';
import { OtfError, systemReason, toOtfError } from '../errors/catalogue.js';
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

/**
 * `... | head` closes our standard output early: not an error worth a stack trace. Whatever else keeps it from being written, as
 * a disk that is full, is said in one line; of standard error, which it would go to, nothing can be said.
 */
export function survivePipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    const message = `cannot write to standard output: ${systemReason(error)}`;
    process.exit(report(new OtfError('OTF_OUTPUT_UNWRITABLE', message, { cause: error })));
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}
