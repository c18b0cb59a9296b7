import { optionText } from '../config/options.ts';
import { duration, file, flag, text, type OptionValues } from './spec.ts';

/** Options that every command takes, before or after its name. */
export const globalOptions = {
  config: file('--config <file>', 'Configuration file (UNDERSTUDY_CONFIG); else understudy.yaml in the usual places.'),
  repo: text('-r, --repo <location>', optionText('repository.location').description),
  passwordFile: file('--password-file <file>', optionText('repository.passwordFile').description),
  passwordCommand: text('--password-command <command>', optionText('repository.passwordCommand').description),
  retryLock: duration('--retry-lock <duration>', 'Wait this long for a locked repository instead of failing at once.'),
  json: flag('--json', 'Print one JSON object a line.'),
  quiet: flag('-q, --quiet', 'No progress, no remarks.'),
  verbose: flag('-v, --verbose', 'Log to the terminal, and say more about errors.'),
  logFile: file('--log-file <file>', 'Append the log to this file, one JSON object a line.'),
  noColor: flag('--no-color', 'No colours (also NO_COLOR).'),
};

export type GlobalValues = OptionValues<typeof globalOptions>;
