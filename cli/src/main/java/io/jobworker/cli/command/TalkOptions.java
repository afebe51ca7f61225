package io.jobworker.cli.command;

import io.jobworker.cli.help.HelpGroup;
import io.jobworker.cli.render.Paint;
import io.jobworker.cli.render.Talk;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The options that say how the program talks. They may stand before the verb or behind it. */
@HelpGroup("What is said")
public final class TalkOptions implements Talk {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec program = CommandSpec.create();

  private boolean quiet;
  private boolean verbose;

  @Option(
      names = "--color",
      scope = ScopeType.INHERIT,
      paramLabel = "WHEN",
      defaultValue = "auto",
      description = "auto: on a terminal, unless NO_COLOR is set (default); always, or never.")
  private Paint color = Paint.AUTO;

  @Option(
      names = {"-q", "--quiet"},
      scope = ScopeType.INHERIT,
      description = "Of jobs, print nothing but the ids; say nothing but failures.")
  void setQuiet(boolean wanted) {
    quiet |= wanted; // before the verb, behind it, or both
  }

  @Option(
      names = {"-v", "--verbose"},
      scope = ScopeType.INHERIT,
      description = "Say on standard error which server is asked for what, and as whom.")
  void setVerbose(boolean wanted) {
    verbose |= wanted;
  }

  @Override
  public Paint paint() {
    return color;
  }

  @Override
  public boolean quiet() {
    return quiet;
  }

  @Override
  public boolean verbose() {
    return verbose;
  }

  @Override
  public void say(String line) {
    PrintWriter err = program.commandLine().getErr();
    err.println("job-worker: " + line);
    err.flush();
  }
}
