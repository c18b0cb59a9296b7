/** An archive_command into a directory in which every file under its own name is whole. */
export function copyCommand(directory: string): string {
  return `cp %p "${directory}/%f-tmp" && mv "${directory}/%f-tmp" "${directory}/%f"`;
}
