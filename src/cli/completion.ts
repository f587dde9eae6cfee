/** Scripts for shells. They hold words only: nothing is run to complete, and nothing but these names is in them. */
import type { Command, Option } from 'commander';

/** Every command with those below it, by the words that call it. */
export function allCommands(root: Command): [words: string[], command: Command][] {
  const below = (words: string[], command: Command): [string[], Command][] => [
    [words, command],
    ...command.commands.flatMap((each) => below([...words, each.name()], each)),
  ];
  return below([root.name()], root);
}

interface Words {
  /** Without the program's own name; '' = none yet. */
  command: string;
  description: string;
  commands: readonly Command[];
  options: readonly Option[];
}

function wordsOf(root: Command): Words[] {
  return allCommands(root).map(([words, command]) => ({
    command: words.slice(1).join(' '),
    description: command.description(),
    commands: command.commands,
    options: [...command.options, ...helpOption(command)],
  }));
}

function helpOption(command: Command): Option[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long === '--help');
}

function flags({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

/** Options that take a value: what follows them is no command. */
function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

export function bashCompletion(root: Command): string {
  const all = wordsOf(root);
  const cases = all.map(({ command, commands, options }) => {
    const words = [...commands.map((each) => each.name()), ...options.flatMap(flags)];
    return `    ${quoted(command)}) words=${quoted(words.join(' '))} ;;`;
  });
  const choices = all.flatMap(({ command, options }) =>
    options
      .filter(({ argChoices }) => argChoices !== undefined)
      .flatMap((option) => flags(option).map((flag) => [`${command} ${flag}`, option.argChoices ?? []] as const)),
  );
  const valued = [...new Set(all.flatMap(({ options }) => options.filter(takesValue).flatMap(flags)))];
  const known = all.map(({ command }) => command).filter(Boolean);
  return `# bash completion of ${root.name()}: made by \`${root.name()} completion bash\`
# Line by line: names of files have blanks. What is typed may be quoted.
_cianna_otf_files() {
  local file plain=\${1//\\\\/}
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "\${plain#[\\"\\']}")
}
_cianna_otf() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command='' words='' i next
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${command:+$command }\${COMP_WORDS[i]}"
    case "$next" in
    ${known.map(quoted).join('|')}) command=$next ;;
    esac
  done
  case "$command $before" in
${choices.map(([place, list]) => `    ${quoted(place)}) COMPREPLY=($(compgen -W ${quoted(list.join(' '))} -- "$word")); return ;;`).join('\n')}
  esac
  case "$before" in
    ${valued.map(quoted).join('|')}) _cianna_otf_files "$word"; return ;;
  esac
  case "$command" in
${cases.join('\n')}
  esac
  if [[ $word == -* || -z $command ]]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  else COMPREPLY=($(compgen -W "$words" -- "$word")); _cianna_otf_files "$word"; fi
}
complete -o filenames -F _cianna_otf ${root.name()}
`;
}

export function zshCompletion(root: Command): string {
  return `#compdef ${root.name()}
# zsh completion of ${root.name()}: made by \`${root.name()} completion zsh\`
autoload -U +X bashcompinit && bashcompinit
${bashCompletion(root)}`;
}

export function fishCompletion(root: Command): string {
  const lines = wordsOf(root).flatMap(({ command, commands, options }) => {
    const words = command.split(' ').filter(Boolean);
    const below = commands.map((each) => each.name());
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const none = below.length > 0 ? [`not __fish_seen_subcommand_from ${below.join(' ')}`] : [];
    const here = (more: readonly string[]) => {
      const conditions = [...seen, ...more];
      return conditions.length === 0 ? '' : ` -n ${quoted(conditions.join('; and '))}`;
    };
    return [
      ...commands.map(
        (each) => `complete -c ${root.name()} -f${here(none)} -a ${each.name()} -d ${quoted(each.description())}`,
      ),
      ...options.map((option) => {
        const { short, long, description, argChoices } = option;
        const names = [short && `-s ${short.slice(1)}`, long && `-l ${long.slice(2)}`].filter(Boolean).join(' ');
        const value = argChoices ? ` -x -a ${quoted(argChoices.join(' '))}` : takesValue(option) ? ' -r' : '';
        return `complete -c ${root.name()}${here(words.length === 0 ? none : [])} ${names}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# fish completion of ${root.name()}: made by \`${root.name()} completion fish\`\n${lines.join('\n')}\n`;
}
