package io.jobworker.core.job;

/**
 * Who asks for something to happen to a job: a client's call, a program that uses this library, a
 * schedule. It travels with the request, and with the event that tells of what came of it, so that
 * an event is as true on whatever thread it is told.
 */
public interface Requester {
  /** By what name it is known. */
  String name();

  /** One of whom nothing but the name is known. */
  static Requester named(String name) {
    record Named(String name) implements Requester {}
    return new Named(name);
  }
}
