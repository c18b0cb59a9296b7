/** How a monitoring plugin ends, as Nagios and its kin read it: the state and its exit status. */
export const pluginStates = {
  ok: { exit: 0, meaning: 'every source is as it should be' },
  warning: { exit: 1, meaning: 'somebody should look' },
  critical: { exit: 2, meaning: 'a source is not protected as it has to be' },
  unknown: { exit: 3, meaning: 'it could not be judged: wrong password, repository away, wrong configuration, a bug' },
} as const satisfies Readonly<Record<string, { readonly exit: number; readonly meaning: string }>>;

export type PluginState = keyof typeof pluginStates;
