/** What to type to get here again: the installed command, or the script of a checkout. */
import { relative } from 'node:path';

export function commandName(script = process.argv[1] ?? ''): string {
  return script.endsWith('.js') ? `node ${relative('.', script)}` : 'cianna-otf';
}
