package io.jobworker.cli.spec;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.jobworker.base.units.ByteSize;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A table of amounts, such as a job's limits: its keys are the names of the message's fields
 * without their units, so that a field that is added to the contract is one that files have.
 */
public final class Amounts {
  private static final String BYTES = "_bytes";
  private static final String BYTES_PER_SECOND = "_bps";
  private static final String CPU_MILLIS = "cpu_millis";
  private static final String CPUS = "cpus";

  private Amounts() {}

  /** The keys that a table has for messages of a kind. */
  static List<String> keys(Descriptor message) {
    return fields(message).stream().map(Amounts::key).toList();
  }

  private static List<FieldDescriptor> fields(Descriptor message) {
    List<FieldDescriptor> fields = new ArrayList<>(message.getFields());
    fields.removeIf(FieldDescriptor::isRepeated);
    return fields;
  }

  private static String key(FieldDescriptor field) {
    return key(field.getName());
  }

  /** What an amount is called where people write it: the name of its field without the unit. */
  public static String key(String name) {
    if (name.equals(CPU_MILLIS)) {
      return CPUS;
    }
    String bare = name.endsWith(BYTES) ? name.substring(0, name.length() - BYTES.length()) : name;
    return bare.replace('_', '-');
  }

  private static boolean isSize(FieldDescriptor field) {
    return field.getName().endsWith(BYTES) || field.getName().endsWith(BYTES_PER_SECOND);
  }

  /**
   * Sets the fields that a table gives.
   *
   * @throws IllegalArgumentException with the key that is wrong, and why
   */
  static void read(String name, Map<String, Object> table, Message.Builder message) {
    Map<String, FieldDescriptor> known = new LinkedHashMap<>();
    fields(message.getDescriptorForType()).forEach(field -> known.put(key(field), field));
    table.forEach((key, value) -> {
      FieldDescriptor field = known.get(key);
      if (field == null) {
        throw new IllegalArgumentException(
            "there is no " + name + "." + key + ", but " + String.join(", ", known.keySet()));
      }
      try {
        message.setField(field, value(field, String.valueOf(value)));
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw new IllegalArgumentException(name + "." + key + ": " + reason(e, value), e);
      }
    });
  }

  private static String reason(RuntimeException e, Object value) {
    boolean numbers = e instanceof NumberFormatException || e instanceof ArithmeticException;
    return numbers ? "'" + value + "' is not such a number" : String.valueOf(e.getMessage());
  }

  private static Object value(FieldDescriptor field, String text) {
    if (field.getJavaType() == FieldDescriptor.JavaType.STRING) {
      return text;
    }
    if (isSize(field)) {
      return ByteSize.parse(text).bytes();
    }
    BigDecimal number = new BigDecimal(text);
    BigDecimal amount = field.getName().equals(CPU_MILLIS) ? number.movePointRight(3) : number;
    if (amount.signum() < 0) {
      throw new ArithmeticException("negative");
    }
    return field.getJavaType() == FieldDescriptor.JavaType.INT
        ? (Object) amount.intValueExact()
        : (Object) amount.longValueExact();
  }

  /** What {@link #read} would read: keys with their values as TOML has them. */
  static Map<String, String> write(Message message) {
    Map<String, String> table = new LinkedHashMap<>();
    message
        .getAllFields()
        .forEach((field, value) -> {
          if (!field.isRepeated()) {
            table.put(key(field), text(field, value));
          }
        });
    return table;
  }

  private static String text(FieldDescriptor field, Object value) {
    if (field.getJavaType() == FieldDescriptor.JavaType.STRING) {
      return JobFiles.quoted((String) value);
    }
    long number = ((Number) value).longValue();
    if (isSize(field)) {
      return JobFiles.quoted(ByteSize.of(number).toString());
    }
    return field.getName().equals(CPU_MILLIS)
        ? BigDecimal.valueOf(number, 3).stripTrailingZeros().toPlainString()
        : Long.toString(number);
  }
}
