import type { ReporterOptions } from 'knip';

/** A reporter beside knip's own, for tools/lint.ts: how many files it has looked at. */
export default function reportFileCount({ counters }: ReporterOptions): void {
  console.log(`knip looked at ${counters.processed} files`);
}
