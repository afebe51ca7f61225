package io.jobworker.cli.render;

import java.util.Map;

/** Colours, where they are wanted. */
public enum Paint {
  /** On a terminal, unless the environment says otherwise. */
  AUTO,
  ALWAYS,
  NEVER;

  private static final int[] HUES = {36, 33, 32, 35, 34, 31}; // ECMA-48: foreground colours

  /** What AUTO comes to for a standard stream (no-color.org). */
  public Paint resolved(int descriptor, Map<String, String> environment) {
    if (this != AUTO) {
      return this;
    }
    boolean wanted =
        Terminal.is(descriptor)
            && environment.getOrDefault("NO_COLOR", "").isEmpty()
            && !environment.getOrDefault("TERM", "").equals("dumb");
    return wanted ? ALWAYS : NEVER;
  }

  /** The text in one of a few colours that can be told apart; {@code this} is resolved. */
  public String hue(int number, String text) {
    return this == ALWAYS
        ? "\033[" + HUES[Math.floorMod(number, HUES.length)] + "m" + text + "\033[0m"
        : text;
  }
}
