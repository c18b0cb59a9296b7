import { styled, type Terminal } from './terminal.ts';

export interface Column<Row> {
  readonly title: string;
  /** Side on which the text stands; numbers go to the right. Default left. */
  readonly align?: 'left' | 'right';
  readonly value: (row: Row) => string;
}

/** Rows under titles, columns two spaces apart, without a line end after the last. */
export function formatTable<Row>(
  terminal: Pick<Terminal, 'color'>,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map(({ title }, index) =>
    cells.reduce((widest, row) => Math.max(widest, row[index]!.length), title.length),
  );
  const line = (values: readonly string[]) =>
    values
      .map((value, index) =>
        columns[index]!.align === 'right' ? value.padStart(widths[index]!) : value.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd();
  const titles = styled(terminal, 'bold', line(columns.map(({ title }) => title)));
  return [titles, ...cells.map(line)].join('\n');
}

/** Columns in which something stands for at least one row. */
export function usedColumns<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Column<Row>[] {
  return columns.filter(({ value }) => rows.some((row) => value(row) !== ''));
}
