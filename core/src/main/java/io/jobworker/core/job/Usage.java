package io.jobworker.core.job;

import java.time.Duration;

/**
 * What a job has used so far, or has used in all. From its cgroup where the controllers are there,
 * else from the kernel's accounting of its ended main process. {@link #UNTOLD} stands for what has
 * been counted and could not be read; a time that could not is negative.
 *
 * @param cpu user and system time
 * @param throttled how long the CPU quota has held it back
 * @param memoryBytes now; 0 once it has ended
 * @param memoryPeakBytes the most it ever had
 * @param oomKills how many of its processes the OOM killer has killed
 * @param pids processes and threads now
 */
public record Usage(
    Duration cpu,
    Duration throttled,
    long memoryBytes,
    long memoryPeakBytes,
    long oomKills,
    long readBytes,
    long writtenBytes,
    int pids) {
  /** Instead of a number. */
  public static final long UNTOLD = -1;

  public static final Usage NONE = new Usage(Duration.ZERO, Duration.ZERO, 0, 0, 0, 0, 0, 0);

  /** It cannot be told now. */
  public static final Usage UNKNOWN =
      new Usage(Duration.ZERO, Duration.ZERO, -1, -1, -1, -1, -1, -1);

  public boolean isKnown() {
    return memoryBytes >= 0;
  }
}
