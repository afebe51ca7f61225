package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Compiles a small program in C, for what no shell can do. */
final class CProgram {
  private CProgram() {}

  /** The program that {@code source} is, in {@code directory}. */
  static Path compile(Path directory, String name, String source)
      throws IOException, InterruptedException {
    Path file = directory.resolve(name + ".c");
    Files.writeString(file, source);
    return compile(directory.resolve(name), List.of(file.toString()));
  }

  static Path compile(Path program, List<String> sources) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of("cc", "-std=gnu17", "-O1", "-D_GNU_SOURCE", "-o"));
    command.add(program.toString());
    command.addAll(sources);
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    return program;
  }
}
