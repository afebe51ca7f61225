package io.jobworker.base.usage;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.MutuallyExclusiveArgsException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is wrong with a command line, in one line and in the words that were typed. */
public final class Usage {
  private static final Pattern WHOLE = Pattern.compile("[+-]?\\d{1,18}");
  private static final Pattern DECIMAL = Pattern.compile("\\d{1,9}(\\.\\d{0,9})?|\\.\\d{1,9}");
  private static final int MAX_SHOWN = 100;

  private Usage() {}

  /** Has {@code line} read numbers so that what is none is told in words for people. */
  public static void install(CommandLine line) {
    ITypeConverter<Long> whole = Usage::whole;
    line.registerConverter(Long.class, whole);
    line.registerConverter(Integer.class, Usage::number);
    line.registerConverter(BigDecimal.class, Usage::decimal);
  }

  private static long whole(String text) {
    if (!WHOLE.matcher(text).matches()) {
      throw new TypeConversionException("write a whole number, as in 64");
    }
    return Long.parseLong(text);
  }

  private static int number(String text) {
    long number = whole(text);
    if (number < 0 || number > Integer.MAX_VALUE) {
      throw new TypeConversionException("write a number from 0 to " + Integer.MAX_VALUE);
    }
    return (int) number;
  }

  /** Nothing of the kind 1e999999999, which takes a lifetime to multiply. */
  private static BigDecimal decimal(String text) {
    if (!DECIMAL.matcher(text).matches()) {
      throw new TypeConversionException("write a number, as in 1.5");
    }
    return new BigDecimal(text);
  }

  /** What to say of a command line that could not be read. */
  public static String explain(ParameterException failure) {
    return switch (failure) {
      case UnmatchedArgumentException e when !e.getUnmatched().isEmpty() ->
          shown(WrongUsage.message(e));
      case MutuallyExclusiveArgsException e ->
          options(String.valueOf(e.getMessage())) + ": give only one of these";
      case ParameterException e when isKnown(e.getArgSpec()) && e.getValue() != null ->
          wrong(name(e.getArgSpec()), e.getValue(), problem(e));
      default -> plain(failure);
    };
  }

  @SuppressWarnings("NullAway") // picocli's null stands for none
  private static boolean isKnown(ArgSpec argument) {
    return argument != null;
  }

  private static String name(ArgSpec argument) {
    return argument instanceof OptionSpec option ? option.longestName() : argument.paramLabel();
  }

  private static String wrong(String option, String value, String problem) {
    return option + (problem.startsWith("'") ? "" : " " + shown(value)) + ": " + problem;
  }

  private static String problem(ParameterException failure) {
    ArgSpec argument = failure.getArgSpec();
    List<String> choices = choices(argument);
    if (!choices.isEmpty()) {
      return "write " + String.join(" or ", choices);
    }
    if (argument.isMultiValue() && argument.typeInfo().isMap()) {
      return "write " + argument.paramLabel();
    }
    return failure.getCause() instanceof TypeConversionException e
        ? shown(String.valueOf(e.getMessage()))
        : "write " + argument.paramLabel();
  }

  private static List<String> choices(ArgSpec argument) {
    return Arrays.stream(argument.auxiliaryTypes())
        .filter(Class::isEnum)
        .flatMap(type -> Arrays.stream(type.getEnumConstants()))
        .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
        .toList();
  }

  private static String options(String message) {
    return Pattern.compile("--[a-z-]+")
        .matcher(message)
        .results()
        .map(found -> found.group())
        .distinct()
        .collect(Collectors.joining(", "));
  }

  private static String plain(ParameterException failure) {
    if (String.valueOf(failure.getMessage()).startsWith("Missing required subcommand")) {
      return "name one of "
          + String.join(", ", WrongUsage.verbs(failure.getCommandLine().getCommandSpec()));
    }
    return String.valueOf(failure.getMessage())
        .replaceAll("'?(-[^ ']*)'? \\(<?([^)>]*)>?\\)", "$1")
        .lines()
        .findFirst()
        .orElse("")
        .replaceAll("\\p{Cntrl}", "?");
  }

  /** As much of what was typed as people can read. */
  public static String shown(String text) {
    String plain = text.replaceAll("\\p{Cntrl}", "?");
    return plain.length() <= MAX_SHOWN ? plain : plain.substring(0, MAX_SHOWN) + "...";
  }
}
