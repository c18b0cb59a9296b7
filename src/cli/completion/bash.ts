import { spellings, type CompletedCommand, type CompletionModel } from './model.ts';
import type { Completion } from '../spec.ts';

/** A completion script for bash 4 and newer. It needs nothing but the shell itself. */
export function bashCompletion({ commands }: CompletionModel): string {
  const names = commands.filter(({ name }) => name !== '').map(({ name }) => `"${name}"`);
  const valued = new Set(
    commands.flatMap(({ options }) => options.filter((option) => option.takesValue).flatMap(spellings)),
  );
  return `# bash completion for understudy
_understudy() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" command="" candidate word i
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $previous == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${[...valued].join('|')}) [[ \${COMP_WORDS[i + 1]} == "=" ]] && ((i++)); ((i++)) ;;
      -*) ;;
      *)
        candidate="\${command:+$command }$word"
        case "$candidate" in
          ${names.join('|')}) command="$candidate" ;;
        esac
        ;;
    esac
  done
  COMPREPLY=()
  case "$command:$previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$command" in
${commands.map(wordCase).join('\n')}
  esac
}
complete -F _understudy understudy
`;
}

/** After an option that takes a value comes only that value. */
function valueCases({ name, options }: CompletedCommand): string[] {
  return options
    .filter((option) => option.takesValue)
    .map((option) => {
      const patterns = spellings(option).map((spelling) => `"${name}:${spelling}"`);
      return `    ${patterns.join('|')}) ${reply(option.complete)}; return ;;`;
    });
}

function wordCase({ name, children, options, argument }: CompletedCommand): string {
  const words = children.map(({ word }) => word);
  const optionWords = options.flatMap(spellings).join(' ');
  const other = words.length > 0 ? reply(words) : reply(argument);
  return `    "${name}") if [[ $current == -* ]]; then ${reply(optionWords.split(' '))}; else ${other}; fi ;;`;
}

function reply(completion: Completion): string {
  if (completion === undefined) return ':';
  if (completion === 'file')
    return 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")';
  if (completion === 'directory') {
    return 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current")';
  }
  return `mapfile -t COMPREPLY < <(compgen -W "${completion.join(' ')}" -- "$current")`;
}
