package io.jobworker.acceptance.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The table that a benchmark prints: what was measured, what it stands beside, and their ratio. */
final class Report {
  private static final String ROW = "| %-58s | %14s | %14s | %7s | %-10s |%n";

  /** The middle one of several runs, which a single disturbed run does not move. */
  static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[sorted.length / 2];
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
  void atLeast(String what, String unit, double value, double floor, double target) {
    row(what, unit, value, floor, ">= " + target, value / floor >= target);
  }

  /** A figure that should be at most so many times its floor. */
  void atMost(String what, String unit, double value, double floor, double target) {
    row(what, unit, value, floor, "<= " + target, value / floor <= target);
  }

  /** A figure that should be at most so much. */
  void within(String what, String unit, double value, double most) {
    print(what, figure(value, unit), "", "", "<= " + figure(most, unit), value <= most);
  }

  /** A figure with its floor and without a target. */
  void note(String what, String unit, double value, double floor) {
    row(what, unit, value, floor, "", true);
  }

  private void row(
      String what, String unit, double value, double floor, String target, boolean met) {
    String ratio = String.format(Locale.ROOT, "%.2f", value / floor);
    print(what, figure(value, unit), figure(floor, unit), ratio, target, met);
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
