package io.jobworker.server.rpc;

import io.jobworker.api.v1.IoLimit;
import io.jobworker.core.job.ByteSize;
import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.Limits;

/**
 * Limits and isolation between the wire and the library. On the wire 0 is no limit, but for swap.
 */
final class WireLimits {
  private WireLimits() {}

  static Limits fromWire(io.jobworker.api.v1.Limits wire) {
    Limits.Builder limits = Limits.builder();
    if (wire.getCpuMillis() != 0) {
      limits.cpuMillis(wire.getCpuMillis());
    }
    if (wire.getCpuWeight() != 0) {
      limits.cpuWeight(wire.getCpuWeight());
    }
    if (wire.getMemoryBytes() != 0) {
      limits.memory(size("memory_bytes", wire.getMemoryBytes()));
    }
    if (wire.getMemoryHighBytes() != 0) {
      limits.memoryHigh(size("memory_high_bytes", wire.getMemoryHighBytes()));
    }
    if (wire.hasSwapBytes()) {
      limits.swap(size("swap_bytes", wire.getSwapBytes()));
    }
    if (wire.getPids() != 0) {
      limits.pids(wire.getPids());
    }
    for (IoLimit io : wire.getIoList()) {
      limits.io(
          new Limits.IoLimit(
              io.getPath(),
              io.getReadBps(),
              io.getWriteBps(),
              io.getReadIops(),
              io.getWriteIops()));
    }
    return limits.build();
  }

  private static ByteSize size(String field, long bytes) {
    if (bytes < 0) { // protobuf's uint64 beyond 2^63
      throw new JobException.InvalidSpec("spec.limits." + field, "too large a number");
    }
    return ByteSize.of(bytes);
  }

  static io.jobworker.api.v1.Limits toWire(Limits limits) {
    io.jobworker.api.v1.Limits.Builder wire = io.jobworker.api.v1.Limits.newBuilder();
    limits.cpuMillis().ifPresent(wire::setCpuMillis);
    limits.cpuWeight().ifPresent(wire::setCpuWeight);
    limits.memory().ifPresent(size -> wire.setMemoryBytes(size.bytes()));
    limits.memoryHigh().ifPresent(size -> wire.setMemoryHighBytes(size.bytes()));
    limits.swap().ifPresent(size -> wire.setSwapBytes(size.bytes()));
    limits.pids().ifPresent(wire::setPids);
    for (Limits.IoLimit io : limits.io()) {
      wire.addIo(
          IoLimit.newBuilder()
              .setPath(io.path())
              .setReadBps(io.readBps())
              .setWriteBps(io.writeBps())
              .setReadIops(io.readIops())
              .setWriteIops(io.writeIops()));
    }
    return wire.build();
  }

  static Isolation fromWire(io.jobworker.api.v1.Isolation wire) {
    Isolation.Network network =
        switch (wire.getNetwork()) {
          case NETWORK_UNSPECIFIED, NETWORK_HOST -> Isolation.Network.HOST;
          case NETWORK_NONE -> Isolation.Network.NONE;
          case UNRECOGNIZED ->
              throw new JobException.InvalidSpec("spec.isolation.network", "unknown value");
        };
    Isolation.Filesystem filesystem =
        switch (wire.getFilesystem()) {
          case FILESYSTEM_UNSPECIFIED, FILESYSTEM_HOST -> Isolation.Filesystem.HOST;
          case FILESYSTEM_READ_ONLY -> Isolation.Filesystem.READ_ONLY;
          case UNRECOGNIZED ->
              throw new JobException.InvalidSpec("spec.isolation.filesystem", "unknown value");
        };
    return new Isolation(network, filesystem);
  }

  static io.jobworker.api.v1.Isolation toWire(Isolation isolation) {
    return io.jobworker.api.v1.Isolation.newBuilder()
        .setNetwork(
            switch (isolation.network()) {
              case HOST -> io.jobworker.api.v1.Isolation.Network.NETWORK_HOST;
              case NONE -> io.jobworker.api.v1.Isolation.Network.NETWORK_NONE;
            })
        .setFilesystem(
            switch (isolation.filesystem()) {
              case HOST -> io.jobworker.api.v1.Isolation.Filesystem.FILESYSTEM_HOST;
              case READ_ONLY -> io.jobworker.api.v1.Isolation.Filesystem.FILESYSTEM_READ_ONLY;
            })
        .build();
  }
}
