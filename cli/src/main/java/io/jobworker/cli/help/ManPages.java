package io.jobworker.cli.help;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;

/** The manual: a page for the program and one for each verb, from the same words as the help. */
public final class ManPages {
  private ManPages() {}

  /** One command's page. */
  public static String page(CommandLine command) {
    return ManPage.of(command);
  }

  /** Writes all of them to a directory, which is made if it is not there. */
  public static void write(CommandLine program, Path directory) throws IOException {
    Files.createDirectories(directory);
    writeOne(program, directory);
    for (CommandLine verb : program.getSubcommands().values()) {
      if (!verb.getCommandSpec().usageMessage().hidden()) {
        writeOne(verb, directory);
      }
    }
  }

  private static void writeOne(CommandLine command, Path directory) throws IOException {
    Path file = directory.resolve(ManPage.name(command.getCommandSpec()) + ".1");
    Files.writeString(file, ManPage.of(command), UTF_8);
  }
}
