package io.jobworker.server.config;

/** The configuration is wrong; the message is one line for whoever wrote it. */
public final class ConfigException extends RuntimeException {
  public ConfigException(String message) {
    super(message);
  }
}
