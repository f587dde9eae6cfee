/** `completion` and `man`: what a shell and man(1) know of the commands, made from the commands themselves. */
import { join } from 'node:path';
import { type Command, Help } from 'commander';
import { writeFileAtomically } from '../io/write.js';
import { kSoftware } from '../version.js';
import { allCommands, bashCompletion, fishCompletion, zshCompletion } from './completion.js';
import { makeFolder } from './download.js';
import { example, examplesOf } from './options.js';
import { print } from './table.js';

const kShells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
type Shell = keyof typeof kShells;

export function registerManual(root: Command): void {
  const completion = root
    .command('completion')
    .description('a script that completes commands and options in a shell')
    .argument('<shell>', Object.keys(kShells).join(', '))
    .action((shell: string) => {
      const make = Object.hasOwn(kShells, shell) ? kShells[shell as Shell] : undefined;
      if (!make) completion.error(`error: no shell '${shell}': ${Object.keys(kShells).join(', ')}`);
      else print(make(root).trimEnd());
    });
  example(completion, [
    'cianna-otf completion bash > ~/.local/share/bash-completion/completions/cianna-otf',
    'cianna-otf completion zsh > ~/.zfunc/_cianna-otf',
    'cianna-otf completion fish > ~/.config/fish/completions/cianna-otf.fish',
  ]);
  const man = root
    .command('man')
    .description('write the manual pages of all commands')
    .requiredOption('-o, --output <dir>', 'folder, e.g. ~/.local/share/man/man1')
    .action(async ({ output }: { output: string }) => {
      await makeFolder(output);
      for (const [name, text] of manualPages(root)) {
        const path = join(output, name);
        await writeFileAtomically(path, [text]);
        print(path);
      }
    });
  example(man, ['cianna-otf man -o ~/.local/share/man/man1 && man cianna-otf-submit']);
}

/** File name and roff of each command: man-pages(7). */
export function manualPages(root: Command): [name: string, text: string][] {
  return allCommands(root).map(([words, command]) => [`${words.join('-')}.1`, page(words, command)]);
}

function page(words: string[], command: Command): string {
  const name = words.join('-');
  const help = new Help();
  const lines = [
    `.TH ${roff(name.toUpperCase())} 1 "" "${roff(`${kSoftware.name} ${kSoftware.version}`)}" "User Commands"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(command.description())}`,
    '.SH SYNOPSIS',
    `.B ${roff(words.join(' '))}`,
    roff(command.usage()),
    '.SH DESCRIPTION',
    `${roff(capital(command.description()))}.`,
  ];
  for (const argument of command.registeredArguments) {
    lines.push('.TP', `.I ${roff(argument.name())}`, roff(argument.description));
  }
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  if (options.length > 0) lines.push('.SH OPTIONS');
  for (const option of options) lines.push('.TP', `.B ${roff(option.flags)}`, roff(help.optionDescription(option)));
  const commands = command.commands;
  if (commands.length > 0) lines.push('.SH COMMANDS');
  for (const each of commands) lines.push('.TP', `.B ${roff(each.name())}`, roff(each.description()));
  const examples = examplesOf(command);
  if (examples.length > 0) lines.push('.SH EXAMPLES', '.nf', ...examples.map(roff), '.fi');
  lines.push(
    '.SH EXIT STATUS',
    roff('0 done, 1 the work failed, 2 wrong usage, 3 no server there, 4 not done in time.'),
  );
  const others = words.length === 1 ? commands.map((each) => `${name}-${each.name()}`) : [words.slice(0, -1).join('-')];
  lines.push('.SH SEE ALSO', others.map((other) => `.BR ${roff(other)} (1)`).join('\n'));
  return `${lines.join('\n')}\n`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** groff_char(7), groff(7): a backslash begins an escape, a point or an apostrophe at the beginning of a line a request. */
function roff(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replace(
      /[^\x20-\x7e\n]/g,
      (character) => `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replace(/"/g, '\\(dq');
}
