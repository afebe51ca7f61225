package io.jobworker.cli.connect;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.NameResolverRegistry;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingV2Stub;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerStub;
import io.jobworker.base.net.HostAndPort;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;

/**
 * A channel to the server: mutual TLS, version 1.3 only. A call that fails because there is no
 * connection has a {@link NotConnected} among its causes. While a call is under way and nothing
 * comes, the server is asked whether it is there ({@code docs/adr/0023}): a wire that was cut is
 * noticed.
 */
public final class Connection implements AutoCloseable {
  /** Flow control, not latency, limits a follower with gRPC's default of 64 KiB. */
  private static final int WINDOW_BYTES = 4 << 20;

  private static final int MAX_MESSAGE_BYTES = 16 << 20;
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final Duration ASK_AFTER = Duration.ofSeconds(10); // gRPC takes no less
  private static final Duration ANSWER_WITHIN = Duration.ofSeconds(10);
  private static final String[] VERSIONS = {"TLSv1.3"};
  private static final String[] CIPHERS = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"
  };

  /**
   * gRPC's remarks are not for whoever reads our standard error. Held, so that the level is kept.
   */
  private static final Logger GRPC_LOG = Logger.getLogger("io.grpc");

  static {
    GRPC_LOG.setLevel(Level.OFF);
    NameResolverRegistry.getDefaultRegistry().register(new ServerResolver());
  }

  private final ManagedChannel channel;
  private final boolean owned;

  private Connection(ManagedChannel channel, boolean owned) {
    this.channel = channel;
    this.owned = owned;
  }

  /**
   * Prepares a connection; it is made when it is first used.
   *
   * @param calls what goes with each call, the last of them outermost
   * @throws UsageException if it cannot be, with what to do
   */
  static Connection to(Destination destination, List<ClientInterceptor> calls) {
    return to(destination, calls, PATIENCE);
  }

  static Connection to(Destination destination, List<ClientInterceptor> calls, Duration patience) {
    HostAndPort server = destination.server();
    String name = destination.name();
    Identity identity = Identity.of(destination.certificate(), destination.key());
    Dialing dialing = new Dialing(patience);
    SSLSocketFactory tls = sockets(identity, destination.authorities(), name);
    return new Connection(
        OkHttpChannelBuilder.forTarget(ServerResolver.target(server))
            .overrideAuthority(new HostAndPort(name, server.port()).hostInBrackets())
            .socketFactory(dialing)
            .sslSocketFactory(new BoundedHandshakes(tls, patience))
            .hostnameVerifier((_, session) -> ServerTrust.isFor(session, name))
            .tlsConnectionSpec(VERSIONS, CIPHERS)
            .intercept(
                new Explaining(
                    new Diagnosis(
                        server,
                        identity,
                        destination.authorities().certificates(),
                        dialing,
                        tls,
                        patience)))
            .intercept(calls)
            .keepAliveTime(ASK_AFTER.toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTimeout(ANSWER_WITHIN.toMillis(), TimeUnit.MILLISECONDS)
            .flowControlWindow(WINDOW_BYTES)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .build(),
        true);
  }

  /**
   * The same for one of several users, whose closing closes nothing; if it is broken, it is made
   * anew at once.
   */
  public Connection shared() {
    channel.resetConnectBackoff();
    return new Connection(channel, false);
  }

  /** Calls that wait for their answers. */
  public JobWorkerBlockingV2Stub calls() {
    return JobWorkerGrpc.newBlockingV2Stub(channel);
  }

  /** Calls that go on by themselves, for what is sent and heard at the same time. */
  public JobWorkerStub streams() {
    return JobWorkerGrpc.newStub(channel);
  }

  private static SSLSocketFactory sockets(Identity identity, Pem authorities, String name) {
    try {
      SSLContext context = SSLContext.getInstance("TLSv1.3");
      context.init(
          identity.keyManagers(), new TrustManager[] {new ServerTrust(authorities, name)}, null);
      return context.getSocketFactory();
    } catch (GeneralSecurityException | IOException e) {
      throw new UsageException(
          "the key in "
              + identity.keyOrigin()
              + " and the certificate in "
              + identity.origin()
              + " cannot be used together; name two that belong together by --cert and --key");
    }
  }

  @Override
  public void close() {
    if (!owned) {
      return;
    }
    channel.shutdownNow();
    try {
      channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
