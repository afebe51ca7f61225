package io.jobworker.core.job;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a job may use, enforced by cgroup v2 from its first instruction. What is empty is not
 * limited.
 *
 * @param cpuMillis thousandths of a CPU: 1500 is one and a half (cpu.max)
 * @param cpuWeight share against other jobs when CPU is short, 1 to 10000 (cpu.weight)
 * @param memory hard limit; beyond it the job is killed as a whole (memory.max)
 * @param memoryHigh where the kernel starts to slow the job down and to reclaim (memory.high)
 * @param swap (memory.swap.max)
 * @param pids how many processes and threads (pids.max)
 * @param io by device (io.max)
 */
public record Limits(
    OptionalInt cpuMillis,
    OptionalInt cpuWeight,
    Optional<ByteSize> memory,
    Optional<ByteSize> memoryHigh,
    Optional<ByteSize> swap,
    OptionalInt pids,
    List<IoLimit> io) {

  public static final Limits NONE = new Builder().build();

  public Limits {
    io = List.copyOf(io);
  }

  /**
   * Limits for the device behind a path; 0 is no limit.
   *
   * @param path any path on the device; empty: that of the working directory
   */
  public record IoLimit(String path, long readBps, long writeBps, long readIops, long writeIops) {}

  public boolean isEmpty() {
    return equals(NONE);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Not thread-safe. */
  public static final class Builder {
    private OptionalInt cpuMillis = OptionalInt.empty();
    private OptionalInt cpuWeight = OptionalInt.empty();
    private Optional<ByteSize> memory = Optional.empty();
    private Optional<ByteSize> memoryHigh = Optional.empty();
    private Optional<ByteSize> swap = Optional.empty();
    private OptionalInt pids = OptionalInt.empty();
    private final List<IoLimit> io = new ArrayList<>();

    @CanIgnoreReturnValue
    public Builder cpuMillis(int value) {
      cpuMillis = OptionalInt.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder cpuWeight(int value) {
      cpuWeight = OptionalInt.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder memory(ByteSize value) {
      memory = Optional.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder memoryHigh(ByteSize value) {
      memoryHigh = Optional.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder swap(ByteSize value) {
      swap = Optional.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder pids(int value) {
      pids = OptionalInt.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder io(IoLimit value) {
      io.add(value);
      return this;
    }

    public Limits build() {
      return new Limits(cpuMillis, cpuWeight, memory, memoryHigh, swap, pids, io);
    }
  }
}
