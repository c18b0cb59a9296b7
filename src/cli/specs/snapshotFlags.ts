import { list } from '../spec.ts';

/** Which snapshots a command is about. */
export const snapshotFlags = {
  source: list('--source <name>', 'Only of this source; may be given several times.'),
  tag: list('--tag <tags>', 'Only with all of these tags (`a,b`); given again: or all of those.'),
  host: list('--host <host>', 'Only of this host; may be given several times.'),
  path: list('--path <path>', 'Only with this path; given again: and that one.'),
};
