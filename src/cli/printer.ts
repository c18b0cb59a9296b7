import type { Progress } from '../base/progress.ts';

/** The only way in which a command says anything. There is one for people and one for programs. */
export interface Printer {
  /** Results are objects for a program, so text that is only for people may be left out. */
  readonly json: boolean;
  readonly progress: Progress;
  /** What the command was asked for: an object of `messageType`, or the text (without its last line end). */
  result(messageType: string, fields: Readonly<Record<string, unknown>>, text: () => string): void;
  /** A sentence for a person about what happened; not with --quiet, not with --json. */
  remark(text: string): void;
  /** Something that a person should know, on standard error; also with --quiet. */
  warn(message: string): void;
  /** Ends the progress; `completed` false when the command failed. */
  end(completed: boolean): void;
}
