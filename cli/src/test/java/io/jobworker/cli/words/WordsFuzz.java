package io.jobworker.cli.words;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;

import java.util.List;

/** Whatever is given as a command is split or refused, and quoting undoes the splitting. */
public final class WordsFuzz {
  private WordsFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    List<String> words;
    try {
      words = Words.split(new String(input, UTF_8));
    } catch (Words.SyntaxException e) {
      return;
    }
    String quoted =
        words.stream().map(word -> "'" + word.replace("'", "'\\''") + "'").collect(joining(" "));
    if (!Words.split(quoted).equals(words)) {
      throw new AssertionError("not the same words again: " + quoted);
    }
  }
}
