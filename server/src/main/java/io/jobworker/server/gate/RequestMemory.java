package io.jobworker.server.gate;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.jobworker.core.job.JobException;
import io.jobworker.server.access.Authenticator;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.quota.RequestBytes;
import io.jobworker.server.transport.Connection;
import io.jobworker.server.transport.InboundBytes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds what requests take of the heap, by bytes that have come and not by what they say of
 * themselves, and how long a request may take to come. What is beyond is refused and let go of.
 * Before all other interceptors, so that nobody answers a call that is refused here.
 */
public final class RequestMemory implements ServerInterceptor {
  /** Of a frame, whose bytes may be one: what it takes beside them. */
  private static final int FRAME_BYTES = 256;

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Of each call, which is not counted. */
  private static final int FREE_BYTES = 4 << 10;

  private static final String QUOTA = "request-bytes";
  private static final String OF_ITS_SHARE = "quota " + QUOTA;
  private static final String OF_ALL = "no_room";

  private static final Logger LOG = LoggerFactory.getLogger(RequestMemory.class);

  private final RequestBytes bytes;
  private final Authenticator authenticator;
  private final Audit audit;

  /** Those whose request has not come whole; one that sends several is not among them. */
  private final Set<Bounded<?, ?>> coming = ConcurrentHashMap.newKeySet();

  public RequestMemory(RequestBytes bytes, Authenticator authenticator, Audit audit) {
    this.bytes = bytes;
    this.authenticator = authenticator;
    this.audit = audit;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> bareCall, Metadata headers, ServerCallHandler<Q, R> next) {
    String client =
        Connection.of(bareCall.getAttributes())
            .flatMap(Connection::certificate)
            .flatMap(authenticator::name)
            .orElse("");
    Optional<InboundBytes> inbound = InboundBytes.current();
    Bounded<Q, R> call = new Bounded<>(bareCall, client);
    inbound.ifPresent(bytes -> bytes.tell(call::received));
    if (call.sendsOneRequest()) {
      coming.add(call);
    }
    boolean started = false;
    try {
      ServerCall.Listener<Q> listener = next.startCall(call, headers);
      started = true;
      return new Watching<>(listener, call, inbound);
    } finally {
      if (!started) {
        call.end();
        call.forgetAnswer();
        inbound.ifPresent(InboundBytes::end);
      }
    }
  }

  /** Refuses what has been on its way for too long; to be called now and then. */
  public void refuseSlow() {
    long now = System.nanoTime();
    for (Bounded<?, ?> call : coming) {
      if (now - call.began > PATIENCE.toNanos()) {
        try {
          call.refuse(
              Errors.status(
                  "the request has not come whole within " + PATIENCE.toSeconds() + " s",
                  Status.Code.DEADLINE_EXCEEDED,
                  "SLOW_REQUEST",
                  Map.of()),
              "slow_request");
        } catch (RuntimeException e) { // the others are to be refused all the same
          LOG.atWarn().setCause(e).log("request.not_refused");
        }
      }
    }
  }

  /** How far a call is; of one that sends several requests, they come until it is answered. */
  private enum State {
    COMING,
    /** In the hands of whoever carries it out; it cannot be refused any more. */
    HANDED_ON,
    ANSWERED,
    REFUSED
  }

  /**
   * A call that can be refused by whoever finds it too large, beside those who answer it: from then
   * on they answer nobody.
   */
  private final class Bounded<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final String client;
    private final long began = System.nanoTime();
    private final AtomicReference<State> state = new AtomicReference<>(State.COMING);

    /** Over what follows, and the call itself, which several must not use at once. */
    private final ReentrantLock lock = new ReentrantLock();

    private boolean ended;
    private long received;
    private long held;
    private long answer;

    private Bounded(ServerCall<Q, R> call, String client) {
      super(call);
      this.client = client;
    }

    private boolean sendsOneRequest() {
      return getMethodDescriptor().getType().clientSendsOneMessage();
    }

    private void received(long count) {
      RequestBytes.Room room = RequestBytes.Room.ENOUGH;
      lock.lock();
      try {
        if (!ended) {
          long before = beyond(received);
          received += count + FRAME_BYTES;
          room = take(beyond(received) - before);
        }
      } finally {
        lock.unlock();
      }
      switch (room) {
        case ENOUGH -> {}
        case NONE_OF_ITS_OWN -> refuse(beyondItsShare(), OF_ITS_SHARE);
        case NONE -> refuse(beyondAll(), OF_ALL);
      }
    }

    /** Small ones are bounded by how many there may be, and are to be heard beside large ones. */
    private long beyond(long count) {
      return Math.max(0, count - FREE_BYTES);
    }

    private RequestBytes.Room take(long cost) {
      if (cost == 0) {
        return RequestBytes.Room.ENOUGH;
      }
      held += cost;
      return bytes.take(client, cost);
    }

    private RuntimeException beyondItsShare() {
      return new JobException.QuotaExceeded(
          QUOTA, "requests that are under way take more than " + bytes.mostOfOne() + " bytes");
    }

    private static RuntimeException beyondAll() {
      return Errors.status(
          "the requests of all clients that are under way leave no room for this one; try again",
          Status.Code.UNAVAILABLE,
          "NO_ROOM",
          Map.of());
    }

    private void refuse(RuntimeException why, String reason) {
      lock.lock();
      try {
        if (ended || !state.compareAndSet(State.COMING, State.REFUSED)) {
          return;
        }
        Errors.refuse(delegate(), why);
      } finally {
        lock.unlock();
        end();
      }
      audit.requestRefused(client, getMethodDescriptor().getFullMethodName(), reason);
    }

    /** Whether it may be handed on now that all of it has come. */
    private boolean handOn() {
      coming.remove(this);
      if (sendsOneRequest()) {
        state.compareAndSet(State.COMING, State.HANDED_ON);
      }
      if (!getMethodDescriptor().getType().serverSendsOneMessage()) {
        letGo(); // it may be answered for days, and the request was small
      }
      return !isRefused();
    }

    private boolean isRefused() {
      return state.get() == State.REFUSED;
    }

    private void letGo() {
      lock.lock();
      try {
        release();
      } finally {
        lock.unlock();
      }
    }

    /** As it is encoded; before that nobody has said how it is to be. */
    private static long size(Object message) {
      try {
        return message instanceof InputStream encoded && message instanceof KnownLength
            ? encoded.available()
            : 0;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Of an answer that the other side has taken, or never will. */
    private void forgetAnswer() {
      lock.lock();
      try {
        if (answer > 0) {
          bytes.release(client, answer);
          answer = 0;
        }
      } finally {
        lock.unlock();
      }
    }

    private void end() {
      coming.remove(this);
      lock.lock();
      try {
        ended = true;
        release();
      } finally {
        lock.unlock();
      }
    }

    private void release() {
      if (held > 0) {
        bytes.release(client, held);
        held = 0;
      }
    }

    /** Whoever wants the next one has done with those before it. */
    @Override
    public void request(int messages) {
      lock.lock();
      try {
        if (!sendsOneRequest()) {
          release();
        }
        super.request(messages);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void sendHeaders(Metadata headers) {
      lock.lock();
      try {
        if (!isRefused()) {
          super.sendHeaders(headers);
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void sendMessage(R message) {
      lock.lock();
      try {
        if (isRefused()) {
          return;
        }
        answer =
            getMethodDescriptor().getType().serverSendsOneMessage() ? beyond(size(message)) : 0;
        if (answer > 0 && bytes.take(client, answer) != RequestBytes.Room.ENOUGH) {
          state.set(State.REFUSED);
          Errors.refuse(delegate(), beyondItsShare()); // who takes no answers gets no more
          return;
        }
        super.sendMessage(message);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close(Status status, Metadata trailers) {
      lock.lock();
      try {
        if (!isRefused()) {
          state.set(State.ANSWERED);
          super.close(status, trailers);
        }
      } finally {
        lock.unlock();
      }
      end();
    }
  }

  /** Lets nothing of a refused call through but its end. */
  private static final class Watching<Q> extends SimpleForwardingServerCallListener<Q> {
    private final RequestMemory.Bounded<?, ?> call;
    private final Optional<InboundBytes> inbound;

    private Watching(
        ServerCall.Listener<Q> next,
        RequestMemory.Bounded<?, ?> call,
        Optional<InboundBytes> inbound) {
      super(next);
      this.call = call;
      this.inbound = inbound;
    }

    @Override
    public void onMessage(Q message) {
      if (!call.isRefused()) {
        super.onMessage(message);
      }
    }

    @Override
    public void onHalfClose() {
      if (call.handOn()) {
        super.onHalfClose();
      }
    }

    @Override
    public void onComplete() {
      call.end();
      call.forgetAnswer();
      try {
        super.onComplete();
      } finally {
        inbound.ifPresent(InboundBytes::end);
      }
    }

    @Override
    public void onCancel() {
      call.end();
      call.forgetAnswer();
      try {
        super.onCancel();
      } finally {
        inbound.ifPresent(InboundBytes::end);
      }
    }
  }
}
