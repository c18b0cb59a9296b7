/** What of a snapshot stock restic is to bring back. */
export interface ResticRestore {
  readonly snapshot: string;
  readonly kind?: string;
  readonly source: string | undefined;
  /** Absolute in the snapshot; default all of it. */
  readonly path?: string;
  readonly target: string;
}

/**
 * The command that brings a part of a snapshot below a directory, where it keeps its path. Understood by every restic
 * that reads format 2: `<snapshot>:<path>` came with 0.16, and distributions have older ones.
 */
export function resticRestore({ snapshot, kind, source, path, target }: ResticRestore): string {
  const tags = [...(kind === undefined ? [] : [`kind:${kind}`]), ...(source === undefined ? [] : [`source:${source}`])];
  return [
    `restic restore ${shellWord(snapshot)}`,
    ...(snapshot === 'latest' && tags.length > 0 ? [`--tag ${shellWord(tags.join(','))}`] : []),
    ...(path === undefined ? [] : [`--include ${shellWord(path)}`]),
    `--target ${shellWord(target)}`,
  ].join(' ');
}

const parameter = /\$\{[\w.-]+\}/;

/** A word as a POSIX shell takes it literally, but for the parameters of a plan, which stand there as variables. */
export function shellWord(text: string): string {
  if (parameter.test(text)) return `"${text.replaceAll(/["`\\]|\$(?!\{[\w.-]+\})/g, '\\$&')}"`;
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
