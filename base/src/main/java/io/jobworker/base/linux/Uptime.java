package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.checked;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.time.Duration;

/** How long the host has been up, sleep included (clock_gettime(2), CLOCK_BOOTTIME). */
public final class Uptime {
  private static final int CLOCK_BOOTTIME = 7;
  private static final MethodHandle CLOCK_GETTIME =
      bind("clock_gettime", JAVA_INT, JAVA_INT, ADDRESS);

  private Uptime() {}

  /** It never goes back, and nobody can set it. */
  public static Duration current() {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8); // struct timespec, 64-bit
      int answer = (int) CLOCK_GETTIME.invokeExact(state, CLOCK_BOOTTIME, time);
      checked(answer, state, "clock_gettime", "CLOCK_BOOTTIME");
      return Duration.ofSeconds(time.get(JAVA_LONG, 0), time.get(JAVA_LONG, 8));
    } catch (Throwable t) {
      throw new LinkageError("clock_gettime", t); // the clock is there since Linux 2.6.39
    }
  }
}
