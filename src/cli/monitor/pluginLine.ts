import type { PluginState } from '../../base/pluginState.ts';

/** The first line of a monitoring plugin: `UNDERSTUDY CRITICAL - database: there is no backup | ...`. */
export function pluginLine(state: PluginState, text: string, performance: readonly string[] = []): string {
  const line = `UNDERSTUDY ${state.toUpperCase()} - ${plain(text)}`;
  return performance.length === 0 ? line : `${line} | ${performance.join(' ')}`;
}

/** A vertical bar would begin performance data, a line end the next line. */
export function plain(text: string): string {
  return text.replaceAll('|', '/').replaceAll(/\s*\n\s*/g, ' ');
}
