package io.jobworker.acceptance.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The table that a benchmark prints: what was measured, what it stands beside, and their ratio. */
final class Report {
  private static final String ROW = "| %-58s | %14s | %14s | %7s | %-10s |%n";

  /** What several rounds measured, each value beside the floor of the same moment. */
  static final class Rounds {
    private final List<Double> values = new ArrayList<>();
    private final List<Double> floors = new ArrayList<>();

    void add(double value, double floor) {
      values.add(value);
      floors.add(floor);
    }

    private double value() {
      return median(values);
    }

    private double floor() {
      return median(floors);
    }

    /** The median of the rounds' ratios: a machine that slows down meanwhile does not move it. */
    private double ratio() {
      List<Double> ratios = new ArrayList<>();
      for (int i = 0; i < values.size(); i++) {
        ratios.add(values.get(i) / floors.get(i));
      }
      return median(ratios);
    }

    private static double median(List<Double> values) {
      double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      return sorted[sorted.length / 2];
    }
  }

  private final List<String> missed = new ArrayList<>();

  Report() {
    System.out.printf(ROW, "what", "job-worker", "floor", "ratio", "target");
    System.out.println(ROW.formatted(line(58), line(14), line(14), line(7), line(10)).strip());
  }

  private static String line(int length) {
    char[] dashes = new char[length];
    Arrays.fill(dashes, '-');
    return new String(dashes);
  }

  /** A figure that should be at least so many times its floor. */
  void atLeast(String what, String unit, Rounds rounds, double target) {
    row(what, unit, rounds, ">= " + target, rounds.ratio() >= target);
  }

  /** A figure that should be at most so many times its floor. */
  void atMost(String what, String unit, Rounds rounds, double target) {
    row(what, unit, rounds, "<= " + target, rounds.ratio() <= target);
  }

  /** A figure that should be at most so much. */
  void within(String what, String unit, double value, double most) {
    print(what, figure(value, unit), "", "", "<= " + figure(most, unit), value <= most);
  }

  /** A figure with its floor and without a target. */
  void note(String what, String unit, Rounds rounds) {
    row(what, unit, rounds, "", true);
  }

  private void row(String what, String unit, Rounds rounds, String target, boolean met) {
    String ratio = String.format(Locale.ROOT, "%.2f", rounds.ratio());
    print(what, figure(rounds.value(), unit), figure(rounds.floor(), unit), ratio, target, met);
  }

  private void print(
      String what, String value, String floor, String ratio, String target, boolean met) {
    System.out.printf(ROW, what, value, floor, ratio, target);
    if (!met) {
      missed.add(what);
    }
  }

  private static String figure(double value, String unit) {
    String format = value >= 100 ? "%.0f %s" : value >= 10 ? "%.1f %s" : "%.2f %s";
    return String.format(Locale.ROOT, format, value, unit);
  }

  /** Says which targets were missed, if any. */
  void close() {
    System.out.println();
    System.out.println(
        missed.isEmpty() ? "All targets met." : "Missed: " + String.join("; ", missed));
  }
}
