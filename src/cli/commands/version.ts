import { arch, platform } from 'node:process';
import type { CommandRun } from '../command.ts';
import type { versionSpec } from '../specs/version.ts';
import { programVersion } from '../../base/version.ts';

export const run: CommandRun<typeof versionSpec> = async (_ctx, { printer }) => {
  const version = programVersion();
  const node = process.versions.node;
  const fields = { version, node, platform, arch };
  printer.result('version', fields, () => `understudy ${version} on Node.js ${node}, ${platform} ${arch}`);
};
