import { writeFileAtomic } from '../../base/atomicFile.ts';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { readSigningKey, type SigningKey } from '../../recovery/envelope.ts';
import { composeEvidence } from '../../recovery/evidence.ts';
import { evidencePage } from '../../recovery/evidencePage.ts';
import { serializeEvidence, type Evidence } from '../../recovery/evidenceSchema.ts';
import { saveEvidence } from '../../recovery/evidenceStore.ts';
import type { LoadedRun } from '../../recovery/runDirectory.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Invocation } from '../command.ts';
import { openRepository } from '../openRepository.ts';
import { configuredSurroundings, sightOfRepository } from './surroundings.ts';

export type KeepingInvocation = Pick<
  Invocation,
  'global' | 'loadConfig' | 'repositorySettings' | 'repositoryPassword' | 'printer'
>;

/** `none`: no repository is configured, so that there is nothing to store it in. */
export type Kept = 'stored' | 'none' | 'failed';

/**
 * Composes the evidence of a run, writes it beside its journal, and stores it in the repository. What keeps it from
 * being stored is told as a warning: the files are there then.
 */
export async function keepEvidence(
  ctx: Context,
  invocation: KeepingInvocation,
  run: LoadedRun,
): Promise<{ readonly evidence: Evidence; readonly kept: Kept }> {
  const key = await signingKey(invocation);
  const place = await openPlace(ctx, invocation);
  if (!('repository' in place)) {
    const evidence = composeEvidence(run, await configuredSurroundings(invocation, place.notRead));
    writeFiles(run, evidence);
    return { evidence, kept: place.kept };
  }
  const evidence = await composeWith(ctx, invocation, { run, repository: place.repository, key });
  writeFiles(run, evidence);
  if (key === undefined) invocation.printer.remark('The evidence is not signed: evidence.signingKeyFile is not set.');
  return { evidence, kept: await store(ctx, invocation, { ...place, evidence, key }) };
}

type Place = { readonly repository: Repository } | { readonly kept: 'none' | 'failed'; readonly notRead: string };

async function openPlace(ctx: Context, invocation: KeepingInvocation): Promise<Place> {
  try {
    await invocation.repositorySettings();
  } catch (error) {
    if (!isOperationError(error, 'config-missing')) throw error;
    return { kept: 'none', notRead: 'no repository is configured' };
  }
  try {
    return { repository: await openRepository(ctx, invocation) };
  } catch (error) {
    if (!isOperationError(error) || ctx.signal.aborted) throw error;
    invocation.printer.warn(`the evidence is not stored in the repository: ${error.message}`);
    return { kept: 'failed', notRead: `the repository could not be opened: ${error.message}` };
  }
}

interface Keeping {
  readonly repository: Repository;
  readonly key: SigningKey | undefined;
}

async function composeWith(
  ctx: Context,
  invocation: KeepingInvocation,
  { run, repository, key }: Keeping & { readonly run: LoadedRun },
): Promise<Evidence> {
  const { config } = await invocation.loadConfig();
  const openedAt = ctx.clock.now().toISOString();
  const warn = (message: string): void => invocation.printer.warn(message);
  const around = await configuredSurroundings(invocation, '');
  try {
    const sight = await sightOfRepository(ctx, repository, { run, config, openedAt, warn });
    return composeEvidence(run, { ...around, repository: sight, signingKeyId: key?.keyId ?? null });
  } catch (error) {
    if (!isOperationError(error) || ctx.signal.aborted) throw error;
    warn(`the evidence tells nothing of the repository: ${error.message}`);
    const repositoryText = `the repository could not be read: ${error.message}`;
    return composeEvidence(run, {
      ...around,
      repository: { notRead: repositoryText },
      signingKeyId: key?.keyId ?? null,
    });
  }
}

async function store(
  ctx: Context,
  { printer }: KeepingInvocation,
  { repository, evidence, key }: Keeping & { readonly evidence: Evidence },
): Promise<Kept> {
  try {
    await saveEvidence(ctx, repository, { evidence, key });
    return 'stored';
  } catch (error) {
    if (!isOperationError(error) || ctx.signal.aborted) throw error;
    printer.warn(`the evidence is not stored in the repository: ${error.message}`);
    return 'failed';
  }
}

/** A recovery does not fail for its evidence: without the key it is not signed, and that is told. */
async function signingKey({ loadConfig, printer }: KeepingInvocation): Promise<SigningKey | undefined> {
  const { signingKeyFile } = (await loadConfig()).config.evidence;
  if (signingKeyFile === undefined) return undefined;
  try {
    return readSigningKey(signingKeyFile);
  } catch (error) {
    if (!isOperationError(error)) throw error;
    printer.warn(`the evidence is not signed: ${error.message}`);
    return undefined;
  }
}

function writeFiles({ places }: LoadedRun, evidence: Evidence): void {
  writeFileAtomic(places.evidence, serializeEvidence(evidence));
  writeFileAtomic(places.evidencePage, Buffer.from(evidencePage(evidence)));
}
