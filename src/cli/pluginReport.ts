import { commandTable } from './commandTable.ts';
import { shownError } from './errorReport.ts';
import { globalOptions } from './globalOptions.ts';
import { jsonLine } from './jsonLine.ts';
import { pluginLine } from './monitor/pluginLine.ts';
import { optionNames } from './spec.ts';

/** Whether a command line calls a monitoring plugin, however wrong the rest of it is. */
export function isPluginCall(words: readonly string[]): boolean {
  const command = firstOperand(words);
  return commandTable.some(({ spec }) => spec.plugin === true && spec.name === command);
}

/** What a plugin prints, on standard output, when it could not judge; ends with `\n`. */
export function pluginReport(error: unknown, { json }: { readonly json: boolean }): string {
  const { code, message, hint } = shownError(error);
  if (json) return jsonLine('monitor', { state: 'unknown', verdict: message, error: { code, message, hint } });
  return `${pluginLine('unknown', hint === undefined ? message : `${message} (${hint})`)}\n`;
}

function firstOperand(words: readonly string[]): string | undefined {
  const withValue = Object.values(globalOptions).flatMap(({ flags }) => {
    const { long, short, valueName } = optionNames(flags);
    return valueName === undefined ? [] : [`--${long}`, ...(short === undefined ? [] : [`-${short}`])];
  });
  return words.find((word, index) => !word.startsWith('-') && !withValue.includes(words[index - 1] ?? ''));
}
