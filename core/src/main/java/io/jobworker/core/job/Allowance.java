package io.jobworker.core.job;

import io.jobworker.base.units.ByteSize;

/**
 * What an owner may have.
 *
 * @param runningJobs how many jobs at a time
 * @param retainedOutput how much output of its jobs may be kept when another is started; those that
 *     run already may add up to what each of them retains
 * @param ceilings what no job of it may exceed
 */
public record Allowance(int runningJobs, ByteSize retainedOutput, Limits ceilings) {
  public static final Allowance UNLIMITED =
      new Allowance(Integer.MAX_VALUE, ByteSize.of(Long.MAX_VALUE), Limits.NONE);
}
