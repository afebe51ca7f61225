package io.jobworker.cli.connect;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.jobworker.base.net.HostAndPort;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;

/**
 * Finds the server's addresses. gRPC's own resolver takes names by URI's rules only, which know no
 * underscore and no IPv6 address of a link.
 */
final class ServerResolver extends NameResolverProvider {
  private static final String SCHEME = "job-worker";
  private static final int PRIORITY = 5; // the middle, as gRPC's documentation has it

  /** What names {@code server} to a channel. */
  static String target(HostAndPort server) {
    try {
      return new URI(SCHEME, "", "/" + server, null).toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e); // all that is special is quoted
    }
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return PRIORITY;
  }

  @Override
  public String getDefaultScheme() {
    return SCHEME;
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return new Resolver(HostAndPort.parse(target.getPath().substring(1)), args);
  }

  /** Asks once: a channel lives for one connection. */
  private static final class Resolver extends NameResolver {
    private final HostAndPort server;
    private final Args args;

    private Resolver(HostAndPort server, Args args) {
      this.server = server;
      this.args = args;
    }

    @Override
    public String getServiceAuthority() {
      return server.hostInBrackets();
    }

    @Override
    public void start(Listener2 listener) {
      var _ =
          Thread.ofPlatform()
              .daemon()
              .name("resolver")
              .start(() -> {
                ResolutionResult result =
                    ResolutionResult.newBuilder().setAddressesOrError(addresses()).build();
                args.getSynchronizationContext().execute(() -> listener.onResult2(result));
              });
    }

    private StatusOr<List<EquivalentAddressGroup>> addresses() {
      try {
        return StatusOr.fromValue(
            Stream.of(InetAddress.getAllByName(server.host()))
                .map(address -> new InetSocketAddress(address, server.port()))
                .map(EquivalentAddressGroup::new)
                .toList());
      } catch (UnknownHostException e) {
        return StatusOr.fromStatus(Status.UNAVAILABLE.withCause(e));
      }
    }

    @Override
    public void shutdown() {
      // nothing goes on
    }
  }
}
