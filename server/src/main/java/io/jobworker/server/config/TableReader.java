package io.jobworker.server.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/**
 * Reads a part of {@code server.toml} whose keys are the rows of a table, and not the components of
 * a record. As everywhere in the file, every key must be there and none may be unknown.
 *
 * @param <K> a row, whose text is its key
 * @param <V> what a key has
 * @param <T> what is made of the part
 */
abstract class TableReader<K, V, T> extends ValueDeserializer<T> {
  /** How Jackson says that a key of a record is not there. */
  static final String MISSING = "Missing creator property";

  private final Class<T> type;
  private final Map<String, K> rows = new LinkedHashMap<>();

  TableReader(Class<T> type, List<K> rows) {
    this.type = type;
    rows.forEach(row -> this.rows.put(row.toString(), row));
  }

  /** Reads what the key of a row has. */
  abstract V read(K row, JsonParser parser, DeserializationContext context);

  /** Makes the whole of all rows' values. */
  abstract T of(Map<K, V> values);

  @Override
  public T deserialize(JsonParser parser, DeserializationContext context) {
    if (!parser.isExpectedStartObjectToken()) {
      return type.cast(context.handleUnexpectedToken(type, parser));
    }
    Map<K, V> values = new LinkedHashMap<>();
    List<String> unknown = new ArrayList<>();
    for (String key = parser.nextName(); key != null; key = parser.nextName()) {
      parser.nextToken();
      K row = rows.get(key);
      if (row == null) {
        unknown.add(key);
        parser.skipChildren();
      } else {
        values.put(row, read(key, row, parser, context));
      }
    }
    // In this order, as of a record: a key that is misspelt is missing.
    for (Map.Entry<String, K> row : rows.entrySet()) {
      if (!values.containsKey(row.getValue())) {
        throw MismatchedInputException.from(parser, type, MISSING + " '" + row.getKey() + "'")
            .prependPath(type, row.getKey());
      }
    }
    if (!unknown.isEmpty()) {
      throw UnrecognizedPropertyException.from(
          parser, type, unknown.getFirst(), List.copyOf(rows.keySet()));
    }
    return of(values);
  }

  private V read(String key, K row, JsonParser parser, DeserializationContext context) {
    try {
      return read(row, parser, context);
    } catch (DatabindException e) {
      throw e.prependPath(type, key);
    }
  }

  /** Reads a number that is not negative. */
  static long count(JsonParser parser, DeserializationContext context) {
    int value = context.readValue(parser, int.class);
    if (value < 0) {
      throw context.weirdNumberException(value, int.class, "it must not be negative");
    }
    return value;
  }
}
