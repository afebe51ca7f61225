package io.jobworker.core.cgroup;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The controllers of cgroup v2 that limits and figures need, by the kernel's names for them. */
public enum Controller {
  CPU("CPU limits", Where.LEAVES),
  IO("disk I/O limits", Where.SLOT),
  MEMORY("memory limits and OOM verdicts", Where.LEAVES),
  PIDS("process limits", Where.LEAVES);

  private static final List<Controller> IN_LEAVES =
      Arrays.stream(values()).filter(controller -> controller.where == Where.LEAVES).toList();

  /** In which cgroups of a job's slot it counts and bounds. */
  private enum Where {
    /** For the job and its launcher together. */
    SLOT,
    /** For each of the two. */
    LEAVES
  }

  private final String purpose;
  private final Where where;

  Controller(String purpose, Where where) {
    this.purpose = purpose;
    this.where = where;
  }

  /** What can be had with it only, for people. */
  public String purpose() {
    return purpose;
  }

  /** Those that the leaves of a slot have too. */
  static List<Controller> inLeaves() {
    return IN_LEAVES;
  }

  /** As {@code cgroup.controllers} has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
