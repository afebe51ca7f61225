package io.jobworker.cli.command;

import io.jobworker.api.v1.IoLimit;
import io.jobworker.api.v1.Isolation;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.Limits;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.help.HelpGroup;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What a job may use and see. */
@HelpGroup("Limits")
final class LimitOptions {
  /** Which network. */
  enum Network {
    HOST,
    NONE
  }

  @Option(names = "--cpus", paramLabel = "N", description = "At most so many CPUs, as in 1.5.")
  private Optional<BigDecimal> cpus = Optional.empty();

  @Option(
      names = "--cpu-weight",
      paramLabel = "N",
      description = "Share of CPU against other jobs, 1 to 10000; the kernel's default is 100.")
  private Optional<Integer> cpuWeight = Optional.empty();

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "At most so much memory, as in 256M; beyond it the job is killed.")
  private Optional<Long> memory = Optional.empty();

  @Option(
      names = "--memory-high",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "Slow the job down from so much memory on.")
  private Optional<Long> memoryHigh = Optional.empty();

  @Option(
      names = "--swap",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "At most so much swap; 0 for none.")
  private Optional<Long> swap = Optional.empty();

  @Option(
      names = "--pids",
      paramLabel = "N",
      description = "At most so many processes and threads.")
  private Optional<Integer> pids = Optional.empty();

  @Option(
      names = "--disk",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "At most so much in the job's own directory, and nothing elsewhere.")
  private Optional<Long> disk = Optional.empty();

  @Option(
      names = "--io-read-bps",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "Read at most so many bytes a second.")
  private Optional<Long> readBps = Optional.empty();

  @Option(
      names = "--io-write-bps",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "Write at most so many bytes a second.")
  private Optional<Long> writeBps = Optional.empty();

  @Option(
      names = "--io-read-iops",
      paramLabel = "N",
      description = "At most so many reads a second.")
  private Optional<Long> readIops = Optional.empty();

  @Option(
      names = "--io-write-iops",
      paramLabel = "N",
      description = "At most so many writes a second.")
  private Optional<Long> writeIops = Optional.empty();

  @Option(
      names = "--io-path",
      paramLabel = "PATH",
      description = "I/O limits are for the disk behind PATH; default: the working directory's.")
  private Optional<String> ioPath = Optional.empty();

  @Option(
      names = "--network",
      paramLabel = "host|none",
      description = "The host's network (default), or none but loopback.")
  private Optional<Network> network = Optional.empty();

  @Option(
      names = "--read-only",
      description = "All files read-only but the working directory's and /tmp.")
  private boolean readOnly;

  void addTo(JobSpec.Builder job) {
    Limits.Builder limits = Limits.newBuilder();
    cpus.ifPresent(value -> limits.setCpuMillis(millis(value)));
    some("--cpu-weight", cpuWeight).ifPresent(limits::setCpuWeight);
    some("--memory", memory).ifPresent(limits::setMemoryBytes);
    some("--memory-high", memoryHigh).ifPresent(limits::setMemoryHighBytes);
    swap.ifPresent(limits::setSwapBytes);
    some("--pids", pids).ifPresent(limits::setPids);
    some("--disk", disk).ifPresent(limits::setDiskBytes);
    IoLimit.Builder io = IoLimit.newBuilder();
    some("--io-read-bps", readBps).ifPresent(io::setReadBps);
    some("--io-write-bps", writeBps).ifPresent(io::setWriteBps);
    some("--io-read-iops", readIops).ifPresent(io::setReadIops);
    some("--io-write-iops", writeIops).ifPresent(io::setWriteIops);
    if (!io.build().equals(IoLimit.getDefaultInstance())) {
      ioPath.ifPresent(io::setPath);
      limits.addIo(io);
    } else if (ioPath.isPresent()) {
      throw new UsageException("--io-path goes with one of the other --io options");
    }
    if (!limits.build().equals(Limits.getDefaultInstance())) {
      job.setLimits(limits);
    }
    Isolation.Builder isolation = Isolation.newBuilder();
    network.ifPresent(value ->
        isolation.setNetwork(
            switch (value) {
              case HOST -> Isolation.Network.NETWORK_HOST;
              case NONE -> Isolation.Network.NETWORK_NONE;
            }));
    if (readOnly) {
      isolation.setFilesystem(Isolation.Filesystem.FILESYSTEM_READ_ONLY);
    }
    if (!isolation.build().equals(Isolation.getDefaultInstance())) {
      job.setIsolation(isolation);
    }
  }

  /** On the wire none is as much as the server says, which nobody means who asks for none. */
  private static <N extends Number> Optional<N> some(String option, Optional<N> amount) {
    if (amount.isPresent() && amount.get().longValue() == 0) {
      throw new UsageException(option + " takes more than 0");
    }
    return amount;
  }

  private static int millis(BigDecimal cpus) {
    try {
      int millis = cpus.movePointRight(3).setScale(0, RoundingMode.HALF_UP).intValueExact();
      if (millis > 0) {
        return millis;
      }
    } catch (ArithmeticException e) {
      // said below
    }
    throw new UsageException("--cpus takes a number from 0.001 up, not " + cpus);
  }
}
