/** Level 5, for every kind. */
export const applicationCheckNames = ['assertions'] as const;
