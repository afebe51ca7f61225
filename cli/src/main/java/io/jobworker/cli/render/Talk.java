package io.jobworker.cli.render;

/** How the program talks to whoever called it, which is the same for all verbs. */
public interface Talk {
  /** Before the command line has been read. */
  Talk USUAL =
      new Talk() {
        @Override
        public Paint paint() {
          return Paint.AUTO;
        }

        @Override
        public boolean quiet() {
          return false;
        }

        @Override
        public boolean verbose() {
          return false;
        }

        @Override
        public void say(String line) {
          throw new IllegalStateException("nobody listens yet: " + line);
        }
      };

  /** Whether in colours. */
  Paint paint();

  /** Whether nothing but ids is printed, and nothing is remarked. */
  boolean quiet();

  /** Whether what is done is told too. */
  boolean verbose();

  /** Says on standard error, in a line, what whoever called has to know. */
  void say(String line);

  /** Says what is good to know, and not needed. */
  default void remark(String line) {
    if (!quiet()) {
      say(line);
    }
  }

  /** What standard output can show. */
  default Screen screen() {
    return Screen.of(paint());
  }
}
