package io.jobworker.base.net;

import java.net.InetAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a service listens or is reached. The one grammar for the configuration, the command line
 * and errors: {@code build1:7443}, {@code 10.0.0.7:7443}, {@code [::1]:7443}.
 *
 * @param host a name or an address; one of IPv6 without its brackets
 * @param port 0 where one is listened on: any that is free
 */
public record HostAndPort(String host, int port) {
  private static final String FORM = "write HOST:PORT";
  private static final int MAX_PORT = 65535;
  private static final int MAX_SHOWN = 100;

  private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:/+(.*)");
  private static final Pattern BRACKETS = Pattern.compile("\\[([^\\[\\]]*)\\](.*)");

  /** RFC 1123's letters, with the underscore that networks of containers put into names. */
  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}._-]+");

  private static final Pattern DIGITS = Pattern.compile("\\d{1,9}");

  /**
   * Reads one. Asks no resolver.
   *
   * @throws IllegalArgumentException with one line: what is wrong with the text, and what to write
   */
  public static HostAndPort parse(String text) {
    Matcher url = SCHEME.matcher(text);
    if (url.matches()) {
      throw wrong(text, "is a URL; " + FORM + ", as in " + example(url.group(1)));
    }
    Matcher bracketed = BRACKETS.matcher(text);
    if (bracketed.matches()) {
      return new HostAndPort(ipv6(text, bracketed.group(1)), port(text, bracketed.group(2)));
    }
    int colon = text.indexOf(':');
    String host = colon < 0 ? text : text.substring(0, colon);
    if (colon >= 0 && text.indexOf(':', colon + 1) >= 0) {
      throw wrong(text, "has too many colons; an IPv6 address goes in brackets, as in [::1]:7443");
    }
    if (host.isEmpty()) {
      throw wrong(text, "names no host; " + FORM + ", as in localhost:7443");
    }
    if (!NAME.matcher(host).matches()) {
      throw wrong(text, "is no address; " + FORM + ", as in build1:7443");
    }
    return new HostAndPort(host, port(text, text.substring(host.length())));
  }

  private static String ipv6(String text, String address) {
    try {
      var _ = InetAddress.ofLiteral(address);
      if (address.indexOf(':') >= 0) {
        return address;
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw wrong(text, "has no IPv6 address in its brackets; write one as in [::1]:7443");
  }

  private static int port(String text, String colonAndPort) {
    if (!colonAndPort.startsWith(":") || colonAndPort.length() == 1) {
      throw wrong(text, "names no port; " + FORM + ", as in build1:7443");
    }
    String port = colonAndPort.substring(1);
    if (!DIGITS.matcher(port).matches() || Integer.parseInt(port) > MAX_PORT) {
      throw wrong(text, "has no good port: one is a number up to " + MAX_PORT);
    }
    return Integer.parseInt(port);
  }

  private static String example(String afterScheme) {
    String address = afterScheme.replaceFirst("/.*", "");
    try {
      return parse(address).toString();
    } catch (IllegalArgumentException e) {
      return "build1:7443";
    }
  }

  private static IllegalArgumentException wrong(String text, String problem) {
    String plain = text.replaceAll("\\p{Cntrl}", "?");
    String shown = plain.length() <= MAX_SHOWN ? plain : plain.substring(0, MAX_SHOWN) + "...";
    return new IllegalArgumentException("'" + shown + "' " + problem);
  }

  public HostAndPort withPort(int newPort) {
    return new HostAndPort(host, newPort);
  }

  /** Whether it stands for all addresses of the machine, at which no client can reach it. */
  public boolean isWildcard() {
    try {
      return InetAddress.ofLiteral(host).isAnyLocalAddress();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** The host as it stands before a port: an IPv6 address in brackets. */
  public String hostInBrackets() {
    return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
  }

  @Override
  public String toString() {
    return hostInBrackets() + ":" + port;
  }
}
