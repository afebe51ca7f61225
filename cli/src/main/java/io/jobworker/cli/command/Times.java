package io.jobworker.cli.command;

import com.google.protobuf.Duration;
import io.jobworker.base.units.Durations;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an option's duration. */
final class Times implements ITypeConverter<Duration> {
  @Override
  public Duration convert(String text) {
    try {
      java.time.Duration time = Durations.parse(text);
      return Duration.newBuilder().setSeconds(time.getSeconds()).setNanos(time.getNano()).build();
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
