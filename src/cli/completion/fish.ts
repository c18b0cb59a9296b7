import type { CompletedCommand, CompletedOption, CompletionModel } from './model.ts';
import { spellings } from './model.ts';

/** Completions for fish. */
export function fishCompletion({ commands }: CompletionModel): string {
  const names = commands.filter(({ name }) => name !== '').map(({ name }) => quoted(name));
  const valued = new Set(
    commands.flatMap(({ options }) => options.filter((option) => option.takesValue).flatMap(spellings)),
  );
  return `# fish completion for understudy
function __understudy_at --description 'true when the command line so far names this command'
    set --local command
    set --local skip 0
    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ${[...valued].join(' ')}
                set skip 1
            case '-*'
            case '*'
                set --local candidate (string trim -- "$command $word")
                if contains -- $candidate ${names.join(' ')}
                    set command $candidate
                end
        end
    end
    test "$command" = "$argv[1]"
end
complete --command understudy --no-files
${commands.flatMap(completions).join('\n')}
`;
}

function completions({ name, children, options, argument }: CompletedCommand): string[] {
  const start = `complete --command understudy --condition ${quoted(`__understudy_at ${quoted(name)}`)}`;
  const lines = children.map(
    ({ word, description }) => `${start} --arguments ${word} --description ${quoted(description)}`,
  );
  if (argument === 'file' || argument === 'directory') lines.push(`${start} --force-files`);
  else if (argument !== undefined) lines.push(`${start} --arguments ${quoted(argument.join(' '))}`);
  return [...lines, ...options.map((option) => `${start} ${optionPart(option)}`)];
}

function optionPart(option: CompletedOption): string {
  const parts = [`--long-option ${option.long.slice(2)}`];
  if (option.short !== undefined) parts.push(`--short-option ${option.short.slice(1)}`);
  if (option.complete === 'file' || option.complete === 'directory') parts.push('--require-parameter --force-files');
  else if (option.takesValue) parts.push('--exclusive'); // a value, and no file
  if (typeof option.complete === 'object') parts.push(`--arguments ${quoted(option.complete.join(' '))}`);
  return [...parts, `--description ${quoted(option.description)}`].join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
