import type { Completion } from '../spec.ts';
import { spellings, type CompletedCommand, type CompletedOption, type CompletionModel } from './model.ts';

/** A completion function for zsh, to be put as `_understudy` into a directory of `fpath`. */
export function zshCompletion({ commands }: CompletionModel): string {
  const names = commands.filter(({ name }) => name !== '').map(({ name }) => quoted(name));
  const valued = new Set(
    commands.flatMap(({ options }) => options.filter((option) => option.takesValue).flatMap(spellings)),
  );
  return `#compdef understudy
_understudy() {
  local command="" candidate word
  local -i i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$word" in
      (${[...valued].join('|')}) ((i++)) ;;
      (-*) ;;
      (*)
        candidate="\${command:+$command }$word"
        case "$candidate" in
          (${names.join('|')}) command="$candidate" ;;
        esac
        ;;
    esac
  done
  case "$command:\${words[CURRENT-1]}" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$command" in
${commands.map(wordCase).join('\n')}
  esac
}
if [ "$funcstack[1]" = "_understudy" ]; then _understudy "$@"; else compdef _understudy understudy; fi
`;
}

function valueCases({ name, options }: CompletedCommand): string[] {
  return options
    .filter((option) => option.takesValue)
    .map((option) => {
      const patterns = spellings(option).map((spelling) => quoted(`${name}:${spelling}`));
      return `    (${patterns.join('|')}) ${values(option.complete)}; return ;;`;
    });
}

function wordCase({ name, children, options, argument }: CompletedCommand): string {
  const optionList = options.flatMap(described).join(' ');
  const other =
    children.length > 0
      ? `found=(${children.map(({ word, description }) => entry(word, description)).join(' ')}); _describe command found`
      : values(argument);
  return `    (${quoted(name)}) if [[ $PREFIX == -* ]]; then found=(${optionList}); _describe -o option found; else ${other}; fi ;;`;
}

function described(option: CompletedOption): string[] {
  return spellings(option).map((spelling) => entry(spelling, option.description));
}

function values(completion: Completion): string {
  if (completion === undefined) return ':';
  if (completion === 'file') return '_files';
  if (completion === 'directory') return '_files -/';
  return `compadd -- ${completion.join(' ')}`;
}

/** `word:description` as `_describe` takes it; a colon in the word would end it. */
function entry(word: string, description: string): string {
  return quoted(`${word.replaceAll(':', '\\:')}:${description}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
