package io.jobworker.core;

/** Being told of something, until this is closed; nothing is kept of it afterwards. */
@FunctionalInterface
public interface Registration extends AutoCloseable {
  /** Idempotent. A call that is under way may still come. */
  @Override
  void close();
}
