package io.jobworker.cli.command;

/** How to print. */
enum Format {
  TEXT,
  JSON
}
