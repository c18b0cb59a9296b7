import { createInterface } from 'node:readline/promises';

/** Nothing else is an answer: an empty line must not fail a recovery. */
const answers: ReadonlyMap<string, 'approve' | 'decline'> = new Map([
  ['y', 'approve'],
  ['yes', 'approve'],
  ['n', 'decline'],
  ['no', 'decline'],
]);

export interface Asking {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Nobody need answer any more. */
  readonly signal: AbortSignal;
  /** Ctrl-C: while a line is being typed the terminal sends no signal for it. */
  readonly onInterrupt: () => void;
}

/** Asks at a terminal until the answer is yes or no; undefined when it is closed (Ctrl-D), or the signal is aborted. */
export async function askHere(question: string, asking: Asking): Promise<'approve' | 'decline' | undefined> {
  if (asking.signal.aborted) return undefined;
  const prompt = createInterface({ input: asking.input, output: asking.output });
  const closed = new AbortController();
  prompt.on('close', () => closed.abort());
  prompt.on('SIGINT', asking.onInterrupt);
  const signal = AbortSignal.any([asking.signal, closed.signal]);
  try {
    let answer: 'approve' | 'decline' | undefined;
    while (answer === undefined) {
      answer = answers.get((await prompt.question(`${question} [yes/no] `, { signal })).trim().toLowerCase());
    }
    return answer;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    prompt.close();
  }
}
