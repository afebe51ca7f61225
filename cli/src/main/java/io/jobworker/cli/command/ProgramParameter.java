package io.jobworker.cli.command;

import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.words.Words;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The program and its arguments, for every verb that starts one, as {@code docker run} and {@code
 * env} have it: the first word that is no option ends the verb's options, and what follows is the
 * program's, byte for byte. One word alone is split as a shell would, unless {@code --} stands
 * before it.
 */
public final class ProgramParameter {
  private static final String END_OF_OPTIONS = "--";

  private CommandSpec verb = CommandSpec.create();

  @Parameters(
      paramLabel = "COMMAND",
      arity = "0..*",
      converter = OsWord.class,
      description =
          "The program and its arguments, up to the end of the line. One word alone is split as a"
              + " shell would, without expanding anything; after -- it is taken as it is.")
  private List<String> command = new ArrayList<>();

  @Option(names = "--shell", description = "Run COMMAND with /bin/sh -c.")
  private boolean shell;

  @Spec(Spec.Target.MIXEE)
  void setVerb(CommandSpec verb) {
    this.verb = verb;
    verb.parser().stopAtPositional(true);
  }

  /**
   * The job's argv.
   *
   * @throws UsageException if the one word cannot be split
   */
  List<String> argv() {
    if (command.isEmpty()) {
      return command; // a file may have one
    }
    if (shell) {
      return List.of("/bin/sh", "-c", String.join(" ", command));
    }
    if (command.size() > 1 || isTakenAsItIs()) {
      return command;
    }
    try {
      List<String> words = Words.split(command.getFirst());
      if (words.isEmpty()) {
        throw new UsageException("the command is empty");
      }
      words.stream().filter(Words::isOperator).findFirst().ifPresent(this::noteOperator);
      return words;
    } catch (Words.SyntaxException e) {
      throw new UsageException("cannot split the command into words: " + e.getMessage());
    }
  }

  private boolean isTakenAsItIs() {
    List<String> typed = verb.commandLine().getParseResult().originalArgs();
    int before = typed.size() - command.size() - 1;
    return before >= 0 && typed.get(before).equals(END_OF_OPTIONS);
  }

  private void noteOperator(String word) {
    verb.commandLine()
        .getErr()
        .println(
            "job-worker: note: '"
                + word
                + "' goes to the program as it is; use --shell to have a shell act on it");
  }
}
