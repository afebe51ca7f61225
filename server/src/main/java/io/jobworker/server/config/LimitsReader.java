package io.jobworker.server.config;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;

/**
 * Reads limits, of which 0 is none: a key for each that may have a default and a ceiling. Bytes may
 * be a share of the memory.
 */
final class LimitsReader extends TableReader<Limit, Long, Limits> {
  LimitsReader() {
    super(Limits.class, Limit.withCeiling());
  }

  @Override
  Long read(Limit limit, JsonParser parser, DeserializationContext context) {
    long amount = amount(limit, parser, context);
    if (amount != 0 && !limit.isPossible(amount)) {
      throw context.weirdNumberException(
          amount, long.class, limit.bounds() + ", or 0 for no limit");
    }
    return amount;
  }

  private static long amount(Limit limit, JsonParser parser, DeserializationContext context) {
    return switch (limit.unit()) {
      case NUMBER -> count(parser, context);
      case BYTES ->
          limit == Limit.DISK
              ? context.readValue(parser, ByteSize.class).bytes()
              : context.readValue(parser, Share.class).ofMemory().bytes();
    };
  }

  @Override
  Limits of(Map<Limit, Long> values) {
    Limits limits = Limits.NONE;
    for (Map.Entry<Limit, Long> value : values.entrySet()) {
      if (value.getValue() != 0) {
        limits = limits.with(value.getKey(), value.getValue());
      }
    }
    return limits;
  }
}
