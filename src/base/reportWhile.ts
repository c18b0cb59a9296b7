import type { Progress } from './progress.ts';

/** How often work in other threads is looked at. */
const everyMs = 100;

/** Reports what `done` counts up, ten times a second, until `work` has ended; resolves and rejects as `work` does. */
export async function reportWhile<T>(
  progress: Progress,
  { work, done }: { work: Promise<T>; done: () => Promise<{ bytes: number }> },
): Promise<T> {
  let reported = 0;
  const report = async (): Promise<void> => {
    const { bytes } = await done();
    if (bytes > reported) progress.advance({ bytes: bytes - reported });
    reported = Math.max(reported, bytes);
  };
  const timer = setInterval(() => void report().catch(() => undefined), everyMs);
  try {
    const result = await work;
    await report();
    return result;
  } finally {
    clearInterval(timer);
  }
}
