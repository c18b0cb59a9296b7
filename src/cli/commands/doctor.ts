import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { LoadedConfig } from '../../config/loadConfig.ts';
import type { SourceConfig } from '../../config/schema.ts';
import type { CommandRun, Invocation } from '../command.ts';
import type { CommandAccess } from '../doctor/archivingAdvice.ts';
import { checkConfiguration } from '../doctor/configuration.ts';
import { checkDiskSpace } from '../doctor/diskSpace.ts';
import { filesFindings } from '../doctor/files.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkPrograms } from '../doctor/programs.ts';
import { checkRepositoryAccess } from '../doctor/repository.ts';
import { checkRuntime } from '../doctor/runtime.ts';
import { checkSource } from '../doctor/source.ts';
import { plural } from '../format.ts';
import { selectSources, type PostgresSource } from '../postgresSource.ts';
import type { doctorSpec } from '../specs/doctor.ts';
import { styled, type Terminal } from '../terminal.ts';

type DoctorInvocation = Invocation<typeof doctorSpec>;

const colors = { ok: 'green', warning: 'yellow', failed: 'red' } as const;

export const run: CommandRun<typeof doctorSpec> = async (ctx, invocation) => {
  const { printer, terminal } = invocation;
  const loaded = await invocation.loadConfig();
  const sources = await sourcesToCheck(loaded, invocation);
  let failed = 0;
  for await (const finding of findings(ctx, { invocation, loaded, sources })) {
    printer.result('finding', { ...finding }, () => findingText(terminal, finding));
    if (finding.verdict === 'failed') failed++;
  }
  if (failed > 0) {
    throw new OperationError('check-failed', `doctor found ${plural(failed, 'thing')} that must be put right`, {
      hint: 'see the lines marked failed',
    });
  }
};

/** One after the other, so that what is slow does not hold back what is known. */
async function* findings(
  ctx: Context,
  { invocation, loaded, sources }: { invocation: DoctorInvocation; loaded: LoadedConfig; sources: PostgresSource[] },
): AsyncGenerator<Finding> {
  yield* checkRuntime();
  yield* checkConfiguration(loaded);
  yield* await checkRepositoryAccess(ctx, invocation);
  for (const { name, config } of fileSources(loaded, invocation)) yield* filesFindings(name, config);
  const access = await commandAccess(loaded, invocation);
  const majors = new Set<number>();
  for (const source of sources) {
    const report = await checkSource(ctx, source, access);
    yield* report.findings;
    if (report.major !== undefined) majors.add(report.major);
  }
  const { verify, postgresBinaries } = loaded.config;
  yield* await checkPrograms(ctx, { directories: postgresBinaries, majors });
  if (verify.directory !== undefined) yield* checkDiskSpace('verify.directory', verify.directory);
}

/** The configured ones; one that is not configured only when it is named or reached by flags. */
async function sourcesToCheck(loaded: LoadedConfig, invocation: DoctorInvocation): Promise<PostgresSource[]> {
  const { arguments: names, options } = invocation;
  const { sources } = loaded.config;
  const others = names.filter((name) => sources[name]?.kind !== 'files');
  if (names.length > 0 && others.length === 0) return [];
  const asked = others.length > 0 || Object.values(options).some((value) => value !== undefined);
  if (!asked && !Object.values(sources).some(({ kind }) => kind === 'postgres')) return [];
  return selectSources(loaded, others, options);
}

type FilesConfig = Extract<SourceConfig, { kind: 'files' }>;

/** The sources of files that are configured, or of them those that are named. */
function fileSources(
  { config: { sources } }: LoadedConfig,
  { arguments: names }: DoctorInvocation,
): { readonly name: string; readonly config: FilesConfig }[] {
  return Object.entries(sources).flatMap(([name, config]) =>
    config.kind === 'files' && (names.length === 0 || names.includes(name)) ? [{ name, config }] : [],
  );
}

/** How archive_command and restore_command reach the same repository; that none is named has been said by then. */
async function commandAccess({ path }: LoadedConfig, invocation: DoctorInvocation): Promise<CommandAccess> {
  const settings = await invocation.repositorySettings().catch(() => undefined);
  return { configPath: path, settings };
}

function findingText(terminal: Terminal, { check, verdict, message, hint }: Finding): string {
  const line = `${styled(terminal, colors[verdict], verdict.padEnd(7))}  ${check}: ${message}`;
  return hint === undefined ? line : `${line}\n         ${hint}`;
}
