package io.jobworker.cli.command;

import io.jobworker.cli.render.Paint;
import io.jobworker.cli.render.Screen;
import picocli.CommandLine.Option;

/** The option {@code --color} of the verbs that have some. */
public final class ScreenOption {
  @Option(
      names = "--color",
      paramLabel = "WHEN",
      defaultValue = "auto",
      description = "auto: on a terminal, unless NO_COLOR is set (default); always, or never.")
  private Paint color = Paint.AUTO;

  Screen get() {
    return Screen.of(color);
  }
}
