import { OperationError } from '../base/errors.ts';

/** Name of the file, at the top of the data directory, from which a recovering server makes the links in pg_tblspc. */
export const tablespaceMapPath = 'tablespace_map';

/** A tablespace's OID and the directory that `pg_tblspc/<oid>` leads to. */
export interface TablespaceLocation {
  readonly oid: number;
  readonly path: string;
}

/**
 * Reads a tablespace_map: a line `<oid> <path>` each, where a backslash makes the next character (itself, newline or
 * carriage return) part of the path. Throws `backup-invalid`.
 */
export function parseTablespaceMap(text: string): TablespaceLocation[] {
  return [...text.matchAll(/(?:\\[^]|[^\\\n\r])+|\\$/g)].map(([line]) => parseLine(line));
}

/** The tablespace_map of these tablespaces, as pg_backup_stop returns it in `spcmapfile`. */
export function formatTablespaceMap(locations: readonly TablespaceLocation[]): string {
  return locations.map(({ oid, path }) => `${oid} ${path.replaceAll(/[\\\n\r]/g, '\\$&')}\n`).join('');
}

function parseLine(line: string): TablespaceLocation {
  const [, digits, escaped] = /^([0-9]{1,10}) ([^]+)$/.exec(line) ?? [];
  const oid = Number(digits);
  if (escaped === undefined || oid < 1 || oid > 0xffff_ffff) {
    throw new OperationError('backup-invalid', `tablespace_map has the line '${line}'`, {
      hint: 'each line is a number, a space and a path, as pg_backup_stop returned them; has somebody edited it?',
      detail: { line },
    });
  }
  return { oid, path: escaped.replaceAll(/\\([^])/g, '$1') };
}
