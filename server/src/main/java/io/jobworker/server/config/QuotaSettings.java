package io.jobworker.server.config;

import io.jobworker.server.quota.Quota;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.annotation.JsonDeserialize;

/**
 * What each client may have, unless the database says otherwise; 0 is no bound.
 *
 * @param bounds of a server that keeps its jobs below the given directory
 */
@JsonDeserialize(using = QuotaSettings.Reader.class)
public record QuotaSettings(Map<Quota, ToLongFunction<Path>> bounds) {
  public QuotaSettings {
    bounds = Map.copyOf(bounds);
  }

  /** The bounds of a server that keeps its jobs below {@code state}, on whose disk shares are. */
  public Map<Quota, Long> in(Path state) {
    Map<Quota, Long> all = new EnumMap<>(Quota.class);
    bounds.forEach((quota, bound) -> all.put(quota, bound.applyAsLong(state)));
    return all;
  }

  /** Reads a key for each quota. */
  static final class Reader extends TableReader<Quota, ToLongFunction<Path>, QuotaSettings> {
    Reader() {
      super(QuotaSettings.class, List.of(Quota.values()));
    }

    @Override
    ToLongFunction<Path> read(Quota quota, JsonParser parser, DeserializationContext context) {
      return switch (quota.unit()) {
        case NUMBER -> {
          long count = count(parser, context);
          yield _ -> count;
        }
        case BYTES -> {
          Share share = context.readValue(parser, Share.class);
          yield state -> share.of(state).bytes();
        }
      };
    }

    @Override
    QuotaSettings of(Map<Quota, ToLongFunction<Path>> values) {
      return new QuotaSettings(values);
    }
  }
}
