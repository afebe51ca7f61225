package io.jobworker.cli.words;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Splits a command into words as a POSIX shell does (XCU 2.2, "Quoting"): blanks separate, quotes
 * and backslashes keep together. Nothing is expanded, and operators are ordinary characters: no
 * shell is involved.
 */
public final class Words {
  private static final String ESCAPABLE_IN_DOUBLE_QUOTES = "$`\"\\";
  private static final Set<String> OPERATORS =
      Set.of("|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1", ">&2", "(", ")");

  private final String text;
  private final List<String> words = new ArrayList<>();
  private final StringBuilder word = new StringBuilder();
  private boolean inWord; // also when the word is empty, as '' is
  private int at;

  private Words(String text) {
    this.text = text;
  }

  /** The command cannot be split; the message says why. */
  public static final class SyntaxException extends RuntimeException {
    SyntaxException(String message) {
      super(message);
    }
  }

  public static List<String> split(String text) {
    return new Words(text).split();
  }

  /** Whether a word looks as if a shell was expected to act on it. */
  public static boolean isOperator(String word) {
    return OPERATORS.contains(word);
  }

  private List<String> split() {
    while (at < text.length()) {
      char c = text.charAt(at++);
      switch (c) {
        case ' ', '\t', '\n' -> endWord();
        case '\'' -> singleQuoted();
        case '"' -> doubleQuoted();
        case '\\' -> escaped();
        default -> add(c);
      }
    }
    endWord();
    return words;
  }

  private void singleQuoted() {
    int end = text.indexOf('\'', at);
    if (end < 0) {
      throw new SyntaxException("a ' is not closed");
    }
    inWord = true;
    word.append(text, at, end);
    at = end + 1;
  }

  private void doubleQuoted() {
    inWord = true;
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '"') {
        return;
      }
      if (c == '\\' && at < text.length()) {
        char next = text.charAt(at);
        if (next == '\n') {
          at++;
          continue;
        }
        if (ESCAPABLE_IN_DOUBLE_QUOTES.indexOf(next) >= 0) {
          at++;
          c = next;
        }
      }
      word.append(c);
    }
    throw new SyntaxException("a \" is not closed");
  }

  private void escaped() {
    if (at == text.length()) {
      throw new SyntaxException("a \\ at the end escapes nothing");
    }
    char next = text.charAt(at++);
    if (next != '\n') { // an escaped line end is a continuation
      add(next);
    }
  }

  private void add(char c) {
    inWord = true;
    word.append(c);
  }

  private void endWord() {
    if (inWord) {
      words.add(word.toString());
      word.setLength(0);
      inWord = false;
    }
  }
}
