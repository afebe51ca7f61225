package io.jobworker.server.rpc;

import static java.util.Objects.requireNonNull;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import io.jobworker.api.v1.IoLimit;
import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.server.gate.FieldNames;
import io.jobworker.server.gate.InvalidField;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Limits and isolation between the wire and the library. */
final class WireLimits {
  /** The field of the contract for each limit. */
  private static final Map<Limit, FieldDescriptor> FIELDS =
      Arrays.stream(Limit.values())
          .collect(Collectors.toUnmodifiableMap(Function.identity(), WireLimits::find));

  private WireLimits() {}

  private static FieldDescriptor find(Limit limit) {
    String name = FieldNames.of(limit);
    return requireNonNull(
        io.jobworker.api.v1.Limits.getDescriptor().findFieldByName(name),
        () -> "the contract has no limit " + name);
  }

  /**
   * The limits that a message sets. On the wire 0 is no limit, but for a field that can tell that
   * it is set, as that of swap can.
   */
  static Limits fromWire(io.jobworker.api.v1.Limits wire) {
    Limits limits = Limits.NONE;
    for (Limit limit : Limit.values()) {
      FieldDescriptor field = field(limit);
      if (wire.hasField(field)) {
        limits = limits.with(limit, amount(limit, wire.getField(field)));
      }
    }
    return new Limits(
        limits.amounts(), wire.getIoList().stream().map(WireLimits::fromWire).toList());
  }

  private static Limits.IoLimit fromWire(IoLimit wire) {
    return new Limits.IoLimit(
        wire.getPath(),
        wire.getReadBps(),
        wire.getWriteBps(),
        wire.getReadIops(),
        wire.getWriteIops());
  }

  private static long amount(Limit limit, Object value) {
    if (value instanceof Integer number) {
      return Integer.toUnsignedLong(number);
    }
    long amount = (Long) value;
    if (amount < 0) { // protobuf's uint64 beyond 2^63
      throw new JobException.InvalidSpec(limit, "too large a number");
    }
    return amount;
  }

  static io.jobworker.api.v1.Limits toWire(Limits limits) {
    io.jobworker.api.v1.Limits.Builder wire = io.jobworker.api.v1.Limits.newBuilder();
    limits
        .amounts()
        .forEach((limit, amount) -> wire.setField(field(limit), value(field(limit), amount)));
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

  /** As protobuf's reflection takes it: {@code uint32} is an {@code int}. */
  private static Object value(FieldDescriptor field, Long amount) {
    return field.getJavaType() == JavaType.INT ? (Object) amount.intValue() : amount;
  }

  private static FieldDescriptor field(Limit limit) {
    return requireNonNull(FIELDS.get(limit));
  }

  static Isolation fromWire(io.jobworker.api.v1.Isolation wire) {
    Isolation.Network network =
        switch (wire.getNetwork()) {
          case NETWORK_UNSPECIFIED, NETWORK_HOST -> Isolation.Network.HOST;
          case NETWORK_NONE -> Isolation.Network.NONE;
          case UNRECOGNIZED -> throw new InvalidField("spec.isolation.network", "unknown value");
        };
    Isolation.Filesystem filesystem =
        switch (wire.getFilesystem()) {
          case FILESYSTEM_UNSPECIFIED, FILESYSTEM_HOST -> Isolation.Filesystem.HOST;
          case FILESYSTEM_READ_ONLY -> Isolation.Filesystem.READ_ONLY;
          case UNRECOGNIZED -> throw new InvalidField("spec.isolation.filesystem", "unknown value");
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
