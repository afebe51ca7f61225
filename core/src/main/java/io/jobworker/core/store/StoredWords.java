package io.jobworker.core.store;

import io.jobworker.base.words.OsString;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Limits;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The words of a spec as the database has them. What is no UTF-8 is half a character in a string
 * ({@link OsString}), and neither JSON nor the database takes such a thing; so it stands as NUL and
 * two hexadecimal digits, for no word has a NUL.
 */
final class StoredWords {
  private static final Pattern NO_UTF8 = Pattern.compile("[\\uDC80-\\uDCFF]");
  private static final Pattern STORED = Pattern.compile("\0([0-9a-f]{2})");

  private StoredWords() {}

  /** As it is to be kept. */
  static JobSpec of(JobSpec spec) {
    return mapped(
        spec,
        word ->
            OsString.isUtf8(word) ? word : NO_UTF8.matcher(word).replaceAll(StoredWords::digits));
  }

  /** As it was before it was kept. */
  static JobSpec read(JobSpec spec) {
    return mapped(
        spec,
        word ->
            word.indexOf('\0') < 0
                ? word
                : STORED.matcher(word).replaceAll(StoredWords::character));
  }

  private static String digits(MatchResult found) {
    return "\0" + HexFormat.of().toHexDigits((byte) found.group().charAt(0));
  }

  private static String character(MatchResult found) {
    byte[] one = HexFormat.of().parseHex(found.group(1));
    return OsString.of(one);
  }

  private static JobSpec mapped(JobSpec spec, UnaryOperator<String> form) {
    Map<String, String> environment = new LinkedHashMap<>();
    spec.environment()
        .forEach((name, value) -> environment.put(form.apply(name), form.apply(value)));
    return new JobSpec(
        spec.command().stream().map(form).toList(),
        environment,
        spec.workingDirectory().map(form),
        new Limits(
            spec.limits().amounts(),
            spec.limits().io().stream()
                .map(io ->
                    new Limits.IoLimit(
                        form.apply(io.path()),
                        io.readBps(),
                        io.writeBps(),
                        io.readIops(),
                        io.writeIops()))
                .toList()),
        spec.isolation(),
        spec.timeout(),
        spec.grace(),
        spec.name(),
        spec.labels(),
        spec.requestId(),
        spec.mergeOutput(),
        spec.outputRetain(),
        spec.stdinStream());
  }
}
