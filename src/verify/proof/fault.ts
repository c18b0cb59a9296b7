import type { ErrorCode } from '../../base/errorCodes.ts';
import type { OperationError } from '../../base/errors.ts';

/** Errors that say nothing about the backup: the machine that verifies lacks something, or storage does not answer. */
const testersCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'usage',
  'backend-unavailable',
  'backend-denied',
  'backend-io',
  'repository-locked',
  'lock-lost',
  'postgres-unsupported',
  'wal-unavailable',
  'verification-inconclusive',
  'destination-not-empty',
  'destination-full',
  'destination-io',
  'program-missing',
  'file-missing',
  'file-denied',
  'file-io',
]);

/** What a server says when its machine, or its installation, is to blame. */
const testersWords = [
  /No space left on device|Disk quota exceeded/,
  /error: unable to (write|create) file/,
  /Cannot allocate memory|[Oo]ut of memory|Too many open files|Too many open files in system/,
  /could not (create|map|resize|attach|open) .*(shared memory|semaphore)/,
  /could not (create|bind|access) .*(socket|lock file)/,
  /could not (load|access|find|open) (library|file) "?(\$libdir|[^"]*\.so)/,
  /^PostgreSQL stopped: (unshare|mount|setpriv): /,
  /is not supported (by|in) this build|was not compiled with|not supported by this build/,
  /database locale is incompatible with operating system|could not open collator for locale/,
  /invalid (LC_\w+ )?locale name|could not create locale "/,
  /(must|can only) be (pre)?loaded via "?(shared|session)_preload_libraries/,
];

/** What the server said, without what we said about it. */
export function serverWords(error: OperationError): string {
  return error.message.replace(/^asking PostgreSQL: /, '');
}

/** True when an error is the tester's fault: the backup may be good. */
export function isFaultOfTester(error: OperationError): boolean {
  return testersCodes.has(error.code) || blamesMachine(error);
}

/** True when a server says that its machine, or its installation, is to blame. */
export function blamesMachine(error: OperationError): boolean {
  const { failures } = error.detail;
  const words = [error.message, ...(Array.isArray(failures) ? failures.map(String) : [])];
  return words.some(areMachinesWords);
}

/** True for what a server says when its machine, or its installation, is to blame. */
export function areMachinesWords(words: string): boolean {
  return testersWords.some((pattern) => pattern.test(words));
}
