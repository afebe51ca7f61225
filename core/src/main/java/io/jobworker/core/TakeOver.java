package io.jobworker.core;

/** What to do about a state directory whose parts may not belong together. */
public enum TakeOver {
  /** Refuse it, and say why. */
  IF_WHOLE,
  /** Take up what its directories of jobs tell, also where the database does not know them. */
  ADOPT,
  /** Move all of it away, and begin anew. What runs is ended by that. */
  SET_ASIDE
}
