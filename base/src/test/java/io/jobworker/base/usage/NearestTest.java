package io.jobworker.base.usage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class NearestTest {
  private static final List<String> VERBS =
      List.of("run", "start", "status", "stats", "stop", "logs", "ls", "rm");

  @Test
  void lettersThatWereSwappedLeftOutOrDoubledAreForgiven() {
    assertThat(Nearest.of("lgos", VERBS)).containsExactly("logs");
    assertThat(Nearest.of("strat", VERBS)).containsExactly("start");
    assertThat(Nearest.of("logss", VERBS)).containsExactly("logs");
    assertThat(Nearest.of("rn", VERBS)).contains("run", "rm");
  }

  @Test
  void theNearestComesFirst() {
    assertThat(Nearest.of("statu", VERBS).getFirst()).isIn("status", "stats");
    assertThat(Nearest.of("statuss", VERBS).getFirst()).isEqualTo("status");
  }

  @Test
  void whatIsNothingLikeItIsNotOffered() {
    assertThat(Nearest.of("frobnicate", VERBS)).isEmpty();
    assertThat(Nearest.hint("frobnicate", VERBS)).isEmpty();
  }

  @Test
  void aHintEndsAnError() {
    assertThat(Nearest.hint("lgos", VERBS)).isEqualTo("; did you mean logs?");
  }

  @Test
  void hyphensMakeNoWordLongEnoughForAnything() {
    assertThat(Nearest.of("--rm", List.of("--cpus", "--ca"))).isEmpty();
  }
}
