/** Where an operation reports how far it is. Calls are cheap and may come many times a second. */
export interface Progress {
  /** Begins a phase; totals may be unknown. `name` is shown to a person, e.g. `copying files`. */
  phase(name: string, total?: ProgressAmount): void;
  /** Adds to what the current phase has done. */
  advance(amount: ProgressAmount): void;
  /** A line that stays on the screen, e.g. a warning about one file. */
  note(message: string): void;
}

export interface ProgressAmount {
  readonly bytes?: number;
  readonly items?: number;
}

export const silentProgress: Progress = {
  phase: () => undefined,
  advance: () => undefined,
  note: () => undefined,
};
