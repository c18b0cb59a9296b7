/** One thing that is wrong in a plan, and where it stands. */
export interface PlanProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly hint?: string;
}
