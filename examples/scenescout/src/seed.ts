import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { projectDirectory } from './settings.ts';

export interface SeedOptions {
  /** 1 = 20 venues, 100 users, 1000 events, 4000 views. Default 1. */
  readonly scale?: number;
  /** The same text gives the same data. */
  readonly seed?: string;
  /** The newest moment in the data; default now. */
  readonly until?: Date;
}

/** Fills an empty, migrated database; the same options always give the same rows. */
export async function seed(db: pg.ClientBase, options: SeedOptions = {}): Promise<void> {
  const { scale = 1, seed: text = 'scenescout', until = new Date() } = options;
  await db.query('begin');
  try {
    await db.query(
      `select set_config('seed.scale', $1, true), set_config('seed.text', $2, true), set_config('seed.until', $3, true)`,
      [String(scale), text, until.toISOString()],
    );
    await db.query(readFileSync(join(projectDirectory, 'supabase/seed.sql'), 'utf8'));
    await db.query('commit');
  } catch (error) {
    await db.query('rollback');
    throw error;
  }
}
