/** Files over 400 lines, with the reason why they are better whole. */
export const longFiles: Readonly<Record<string, string>> = {};

/** Error codes that no test produces yet. A code leaves this list with the test that produces it; none may be added. */
export const untestedErrorCodes: readonly string[] = [];
