import { monitorShape } from '../monitorShape.ts';
import { retentionShape } from '../retentionShape.ts';
import { described, section, text } from '../schemaParts.ts';

/** What a source of every kind may say. */
export function commonShape() {
  return {
    tier: described('sources.*.tier', text().optional()),
    retention: section('sources.*.retention', retentionShape('sources.*.retention')),
    monitor: section('sources.*.monitor', monitorShape()),
  };
}
