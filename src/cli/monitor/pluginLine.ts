import type { PluginState } from '../../base/pluginState.ts';
import { visible } from '../ls/describeNode.ts';

/** The first line of a monitoring plugin: `UNDERSTUDY CRITICAL - database: there is no backup | ...`. */
export function pluginLine(state: PluginState, text: string, performance: readonly string[] = []): string {
  const line = `UNDERSTUDY ${state.toUpperCase()} - ${plain(text)}`;
  return performance.length === 0 ? line : `${line} | ${performance.join(' ')}`;
}

/** A vertical bar would begin performance data, a line end the next line; what is not for eyes goes to no terminal. */
export function plain(text: string): string {
  return visible(text.replaceAll('|', '/').replaceAll(/\s*\n\s*/g, ' '));
}

/** A label of performance data: it cannot hold an equals sign, and is quoted where a word would end. */
export function performanceLabel(name: string): string {
  const label = plain(name).replaceAll('=', '_');
  return /^[\w.-]+$/.test(label) ? label : `'${label.replaceAll("'", "''")}'`;
}
