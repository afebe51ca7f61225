package io.jobworker.cli.words;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WordsTest {
  @Test
  void blanksSeparate() {
    assertThat(Words.split("  ls \t -la\n/ ")).containsExactly("ls", "-la", "/");
    assertThat(Words.split(" ")).isEmpty();
  }

  @Test
  void quotesKeepTogetherAndMayStandAnywhere() {
    assertThat(Words.split("a'b c'd \"e 'f'\" ''")).containsExactly("ab cd", "e 'f'", "");
  }

  @Test
  void backslashesEscape() {
    assertThat(Words.split("a\\ b \\' \"\\\" \\\\ \\$ \\x\" '\\'"))
        .containsExactly("a b", "'", "\" \\ $ \\x", "\\");
    assertThat(Words.split("a\\\nb \"c\\\nd\"")).containsExactly("ab", "cd");
  }

  @Test
  void nothingIsExpandedAndOperatorsAreOrdinary() {
    assertThat(Words.split("$HOME `x` * ~ a|b >c #d"))
        .containsExactly("$HOME", "`x`", "*", "~", "a|b", ">c", "#d");
  }

  @Test
  void whatIsNotClosedIsAnError() {
    for (String text : List.of("'a", "\"a", "a\\", "\"a\\")) {
      assertThatThrownBy(() -> Words.split(text)).isInstanceOf(Words.SyntaxException.class);
    }
  }

  /** A thousand random quotings, as /bin/sh splits them. */
  @Test
  void wordsAreThoseThatAShellFinds() throws IOException, InterruptedException {
    Random random = new Random(25);
    StringBuilder script = new StringBuilder();
    StringBuilder expected = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      StringBuilder line = new StringBuilder("x");
      for (int n = random.nextInt(12); n > 0; n--) {
        line.append("ab '\"\\ \t".charAt(random.nextInt(8)));
      }
      try {
        List<String> words = Words.split(line.toString());
        script.append("printf '[%s]' ").append(line).append("; echo\n");
        words.forEach(word -> expected.append('[').append(word).append(']'));
        expected.append('\n');
      } catch (Words.SyntaxException e) {
        // a shell would ask for more
      }
    }
    Process shell = new ProcessBuilder("/bin/sh", "-c", script.toString()).start();
    String found = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(shell.waitFor()).isZero();
    assertThat(found).isEqualTo(expected.toString());
  }
}
