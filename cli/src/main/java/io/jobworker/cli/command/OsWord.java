package io.jobworker.cli.command;

import picocli.CommandLine.ITypeConverter;

/**
 * A word that may hold any byte, as an {@link io.jobworker.base.words.OsString}: for what the
 * contract carries as bytes. All other words must be {@link Text}.
 */
final class OsWord implements ITypeConverter<String> {
  @Override
  public String convert(String word) {
    return word;
  }
}
