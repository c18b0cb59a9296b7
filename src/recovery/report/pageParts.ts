import { formatDuration } from '../../base/duration.ts';
import { html, table, type Html } from '../htmlPage.ts';

/** Items with more fields than this are blocks of their own, not rows of a table. */
const mostColumns = 7;

/** Tables whose items have more to say than fits on paper: what is shown of them, in which order. */
const columnsOf: Readonly<Record<string, readonly string[]>> = {
  checks: ['tier', 'name', 'status', 'expected', 'actual', 'seconds', 'error', 'by'],
  deviations: ['id', 'finding', 'severity', 'owner', 'dueDate', 'ticket', 'status', 'note'],
  carriedOver: ['run', 'id', 'finding', 'severity', 'owner', 'dueDate', 'overdue', 'foundAgain'],
};

const marks: Readonly<Record<string, string>> = {
  passed: '✔ passed',
  succeeded: '✔ succeeded',
  accepted: '✔ accepted',
  closed: '✔ closed',
  warned: '! passed, with exceptions',
  warning: '! warning',
  inconclusive: '? inconclusive: the tester failed, not the backup',
  failed: '✘ failed',
  rejected: '✘ rejected',
};

export type Reasons = Readonly<Record<string, string>>;

/** Shows a value of a document, whatever it is; of what is null, the reason. `path` leads to it, as in `unknown`. */
export function shown(value: unknown, path: string, reasons: Reasons): Html {
  if (value === null) return html`<p>— ${reasons[path] ?? 'not known'}</p>`;
  if (Array.isArray(value)) return shownList(value, path, reasons);
  if (isRecord(value)) return shownFields(value, path, reasons);
  return html`<p>${scalar(lastOf(path), value)}</p>`;
}

/** A table of some columns of the items, and why cells are empty. */
export function rows(
  items: readonly Readonly<Record<string, unknown>>[],
  columns: readonly string[],
  { path, reasons }: { readonly path: string; readonly reasons: Reasons },
): Html {
  const cells = items.map((item) => columns.map((column) => cell(column, item[column])));
  const empty = columns.flatMap((column) => {
    const reason = reasons[`${path}.*.${column}`];
    return items.some((item) => item[column] === null) && reason !== undefined ? [`${label(column)}: ${reason}`] : [];
  });
  const notes = empty.length === 0 ? '' : html`<p class="notes">— ${empty.join('; ')}.</p>`;
  return html`${table(columns.map(label), cells)}${notes}`;
}

function shownList(items: readonly unknown[], path: string, reasons: Reasons): Html {
  if (items.length === 0) return html`<p>None.</p>`;
  const records = items.filter((item) => isRecord(item));
  if (records.length < items.length) return html`<p>${items.map(String).join(', ')}</p>`;
  const columns = columnsOf[path] ?? Object.keys(records[0] ?? {});
  const isFlat = records.every((item) => columns.every((column) => isPlain(item[column])));
  if (isFlat && (columnsOf[path] !== undefined || columns.length <= mostColumns)) {
    return rows(records, columns, { path, reasons });
  }
  return html`${records.map((item) => shownFields(item, `${path}.*`, reasons))}`;
}

function shownFields(fields: Readonly<Record<string, unknown>>, path: string, reasons: Reasons): Html {
  const entries = Object.entries(fields);
  const plain = entries.filter(([, value]) => isPlain(value));
  const nested = entries.filter(([, value]) => !isPlain(value));
  const named = plain.map(([key, value]) => [
    label(key),
    value === null ? `— ${reasons[`${path}.${key}`] ?? 'not known'}` : cell(key, value),
  ]);
  const below = nested.map(
    ([key, value]) =>
      html`<h3>${label(key)}</h3>
        ${shown(value, `${path}.${key}`, reasons)} `,
  );
  return html`${plain.length === 0 ? '' : fieldTable(named)}${below}`;
}

function fieldTable(pairs: readonly (readonly (string | undefined)[])[]): Html {
  const lines = pairs.map(
    ([name = '', value = '']) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td>${value}</td>
      </tr> `,
  );
  return html`<table class="fields">
    <tbody>
      ${lines}
    </tbody>
  </table> `;
}

function cell(key: string, value: unknown): string {
  if (value === null) return '—';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(String).join(', ');
  return scalar(key, value);
}

function scalar(key: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') {
    return key.toLowerCase().endsWith('seconds') ? formatDuration(value * 1000) : value.toLocaleString('en-US');
  }
  const text = String(value);
  if (['status', 'verdict', 'result', 'decision'].includes(key)) return marks[text] ?? text;
  return utc(text);
}

/** `2026-11-22 10:00:00 UTC`: what a spreadsheet takes. Other texts stay. */
export function utc(text: string): string {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text);
  return isTime ? `${text.slice(0, 19).replace('T', ' ')} UTC` : text;
}

/** `restoredBytes` is read as `Restored bytes`. */
export function label(key: string): string {
  if (key === 'seconds') return 'Took';
  const words = key
    .replace(/(Seconds|At)$/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replaceAll(/\b(rto|rpo|lsn|wal|tls|id)\b/g, (word) => word.toUpperCase())
    .replace('sha256', 'SHA-256');
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return typeof value !== 'object' || value === null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
