package io.jobworker.core.job;

/** Why an ended job is forgotten. */
public enum Removal {
  REQUESTED,
  /** It ended longer ago than jobs are kept. */
  AGE,
  /** Its owner has more ended jobs than are kept. */
  COUNT,
  /** What its owner's ended jobs were started as takes more room than is kept for it. */
  SIZE
}
