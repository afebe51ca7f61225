package io.jobworker.server.gate;

import io.jobworker.core.job.Field;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.RequestField;

/** What the library's fields are called in the wire's contract. */
public final class FieldNames {
  private FieldNames() {}

  /** The path of the field in its request: {@code spec.working_dir}. */
  public static String of(Field field) {
    return switch (field) {
      case Limit limit -> "spec.limits." + of(limit);
      case RequestField other -> of(other);
    };
  }

  /** The name in the message {@code Limits}: the contract names all of them by the one rule. */
  public static String of(Limit limit) {
    return limit.nameWithUnit();
  }

  private static String of(RequestField field) {
    return switch (field) {
      case COMMAND -> "spec.command";
      case ENVIRONMENT -> "spec.env";
      case WORKING_DIRECTORY -> "spec.working_dir";
      case ISOLATION -> "spec.isolation";
      case MERGE_OUTPUT -> "spec.merge_output";
      case TIMEOUT -> "spec.timeout";
      case GRACE -> "spec.grace";
      case NAME -> "spec.name";
      case LABELS -> "spec.labels";
      case REQUEST_ID -> "spec.request_id";
      case ID -> "id";
      case STDIN -> "spec.stdin";
      case STDIN_STREAM -> "spec.stdin_stream";
      case OUTPUT_RETAIN -> "spec.output_retain_bytes";
      case IO -> "spec.limits.io";
      case IO_PATH -> "spec.limits.io.path";
      case STOP_GRACE -> "stop.grace";
      case QUERY_LABELS -> "labels";
    };
  }
}
