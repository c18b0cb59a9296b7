import { described, text } from '../schemaParts.ts';

/** What a source of every kind may say. */
export function commonShape() {
  return {
    tier: described('sources.*.tier', text().optional()),
  };
}
